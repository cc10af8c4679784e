"""Whether a line reports an error, or talks about errors.

Owns: the marks of advice, questions, stories, programs' own text and quiet
messages. Must not know: databases, the catalogue.

Everything here works on lower-case text.
"""

# ruff: noqa: E501, SIM905 - lists of words

from __future__ import annotations

import re
from typing import Final

# Level names of messages that report no trouble.
_QUIET_WORDS: Final = frozenset(
    "notice debug debug1 debug2 debug3 debug4 debug5 hinweis замечание отладка skipping пропускается".split()
)
_QUIET: Final = re.compile(
    r"\b(?:notice|debug\d?|hinweis|замечание|отладка)\b ?\]?[:\s]|, skipping\b|, пропускается\b"
)

_PROSE_WORDS: Final = frozenset(
    "how why what if when you that this usually typically common commonly example such avoid avoids avoiding"
    " avoided prevent prevents preventing prevented handle handles handling retry retries fix fixes fixed feat"
    " changelog improve improved whenever tutorial blog article guide documentation explain explains explained"
    " explaining assert expect test should means occurs happens read mention mentions topic podcast one we once until whether because unless about in"
    " no как если обычно что бывает статья статье статьи почему возникает возникают означает ошибки".split()
)
_PROSE: Final = re.compile(
    r"\bhow (?:do|to|can|should|does)\b|\bwhy (?:do|does|is|am|are)\b|\bwhat (?:does|is|are|causes)\b"
    r"|\bif you\b|\bwhen you\b|\byou (?:can|may|might|will|should|see|get)\b|\b(?:that|this) means\b"
    r"|\busually\b|\btypically\b|\bcommon(?:ly)?\b|\bfor example\b|\bsuch as\b|\bavoid|\bprevent"
    r"|\bhandles?\b|\bhandling of\b|\bretr(?:y|ies) on\b|\bfix(?:es|ed)?[:( ]|\bfeat[:(]|\bchangelog\b"
    r"|\bimproved?\b|\bwhenever\b|\btutorial\b|\bblog\b|\barticle\b|\bguide\b|\bdocumentation\b"
    r"|\bexplain|\bassert\b|\bexpect\(|\bdef test_|\btest_\w+|\bshould (?:not|be|return|raise)\b"
    r"|\bmeans\b|\boccurs when\b|\bhappens when\b|\bread about\b|\bmentions?\b|\btopic\b|\bpodcast\b"
    r"|\b(?:when|if|until|whether|because|unless|about|retry) (?:the |an? )?(?:database|server|connection|table|role|file)\b"
    r"|\bin some cases\b|\bone day\b|\bwe (?:use|used|saw|had|have)\b|\bonce\b.{0,40}\b(?:was|were)\b"
    r"|\bкак (?:исправить|избежать|быть)\b|\bесли вы\b|\bобычно\b|\bчто (?:значит|такое)\b"
    r"|\bбывает\b|\bстать[яеи]\b|\bпочему\b|\bвозника(?:ет|ют)\b|\bозначает\b|\bошибки вида\b"
)
# A line that begins like this is about errors, whatever it quotes.
_FROM_THE_START: Final = re.compile(
    r"\W{0,4}(?:how (?:do|to|can|should)\b|why\b|what (?:does|is|are|causes)\b|if (?:you|your|the|a)\b"
    r"|when (?:you|your|a|an|the|two|postgres|sqlite|multiple|several)|this (?:guide|article|page|section|means)"
    r"|(?:the|this|an?) (?:error|message|following|documentation)\b|we (?:recommend|usually|often|never|used)"
    r"|to (?:avoid|fix|prevent|resolve)\b|tip:|todo\b|fixme\b|fix(?:es|ed)?[(: ]|feat[(:]|chore[(:]|docs[(:]"
    r"|(?:passed|failed|ok|not ok) +(?:tests?[/_]|\d)|tests?/|def \w|assert\b|it\(|describe\(|expect\(|как \w+ть\b"
    r"|(?:\d+[.)] )?\W{0,4}(?:check|verify|ensure|make sure|try|increase|look (?:at|for)|restart|consider|remember) "
    r"|если\b|почему\b|когда\b|что (?:значит|такое|делать)\b|мы \w+)|\s{0,12}(?:# |//|/\*|--? ?(?:fix|add|improv|handle|retry))"
)
# Words of somebody who tells a story; a message of a program does not say them.
_SOMEBODY: Final = frozenset(
    "i we you he they our my your their people users someone never always often sometimes says said saw sees"
    " seeing anyone anybody everyone everybody getting gets got because although however мы вы я они часто иногда никогда потому".split()
)
_PASTED: Final = re.compile(
    r"\w(?:error|exception|warning): [^.?!]{0,80}$|[?!] *(?:fatal|error): *$"
)
_ERROR_BEFORE: Final = re.compile(
    r"(?:[:|>»\])}=]|\b(?:fatal|panic|error|exception|err))[\s\"'«`(\[]{0,4}$"
)
_ERROR_SOMEWHERE: Final = re.compile(
    r",(?:error|fatal|panic|log|warning),[0-9a-z]{5},"
    r"|(?:error|exception|fatal|panic|failed|failure|err|critical|сбой)\b[^:\n]{0,60}:"
    r"|traceback \(most recent|\b(?:error|fatal|critical)\b[^\n]{0,12}[\])|]"
)
_STAMP: Final = re.compile(r"[\d\s:./,+tz\-\[\]()]*")
_WRONG: Final = re.compile(r"error|exception|fatal|fail|panic|unexpected|critical|\bwarn|\berr\b")
# A line of a program's own text.
_PROGRAM: Final = re.compile(
    r"\s*(?:#define|case [\w.:]+ *:|let |const |var |if ?\(|if \"|elif |else if|while ?\(|except |catch ?\(|\} catch"
    r"|return |import |from \w+ import|def |fn |func |function [^\n]*\{ *$|class \w+[(:{ ]"
    r"|(?:public|private) (?:static|final|void|async|class) |assert|throw |raise |///?|/\*|\*(?: |/)|<!--|expect\("
    r"|(?:echo|grep|with|await|yield|raise|mock|self|print\w*|console) *[.(\"' ]|[\w.]+ = [\w.]+\(|\||@\w"
    r"|insert into |update \w+ set |select |create (?:table|role|user|database) |grant |alter |drop |delete from )"
)
_ASKED: Final = re.compile(r"\.(?:contains|includes|match|startswith|endswith|search|find|test)\(")
_IN_A_CALL: Final = re.compile(
    r"(?:\b(?:throw|raise)\b[^\n]*|\bnew \w+|\blog\w*\.\w+|console\.\w+|\bprint\w*|\bfmt\.\w+|\berrors?\.\w+"
    r"|panic!?|expect\w*|assert\w*!?|\b(?:it|test|describe|message))\(\s*[a-z]?[\"'`][^\"'`\n]*$"
)
# "… such as `database is locked`", in whatever language.
_QUOTATIONS: Final = {
    opening: re.compile(rf"\w {opening}[^{opening}{closing}:/\n]{{0,60}}$")
    for opening, closing in ('""', "``", "«»", "“”")
}


def is_quiet(line: str, tokens: set[str]) -> bool:
    """Return whether *line*, whose words are *tokens*, reports no trouble by its level."""
    return not _QUIET_WORDS.isdisjoint(tokens) and _QUIET.search(line) is not None


def is_wrong(line: str) -> bool:
    """Return whether *line* says that something is wrong."""
    return _WRONG.search(line) is not None


def is_framed(before: str) -> bool:
    """Return whether what stands *before* a wording in its line is what stands before an error."""
    if not before.strip():
        return False
    if _STAMP.fullmatch(before) or _ERROR_BEFORE.search(before[-40:]):
        return True
    return _ERROR_SOMEWHERE.search(before) is not None


def tells(line: str, tokens: set[str], before: str) -> bool:
    """Return whether an unframed wording in *line*, *before* which that stands, is part of a story."""
    if not _PROSE_WORDS.isdisjoint(tokens) and _PROSE.search(line):
        return True
    return bool(before) and ":" not in before and not _SOMEBODY.isdisjoint(before.split())


def talks_about_errors(line: str, before: str) -> bool:
    """Return whether *line* talks about errors; one that is pasted behind its type still is one."""
    if _PROGRAM.match(line):
        return True
    if "(" in line and (_ASKED.search(line) or _IN_A_CALL.search(before)):
        return True
    if not before:
        return False
    if ":" not in before and _in_a_quotation(before):
        return True
    if not _FROM_THE_START.match(line):
        return False
    return before.count('"') % 2 == 1 or not _PASTED.search(before)


def _in_a_quotation(before: str) -> bool:
    if is_wrong(before):
        return False
    return any(
        sign in before
        and (sign not in '"`' or before.count(sign) % 2 == 1)
        and pattern.search(before) is not None
        for sign, pattern in _QUOTATIONS.items()
    )
