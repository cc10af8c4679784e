"""What the status page says, in English and Russian.

Owns: the phrases, durations, sizes and instants in words. Pure. Must not
know: HTML, results.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from watchdog import units

_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86400

_EN: Final[Mapping[str, str]] = {
    "up": "up",
    "down": "down",
    "unknown": "not yet known",
    "attention": "needs attention",
    "up_for": "up for {0}",
    "down_for": "down for {0}",
    "waiting": "waiting for the first answer",
    "title_up": "all up",
    "title_down": "{0} down",
    "title_attention": "{0} to look at",
    "title_unknown": "waiting",
    "title_empty": "nothing to watch",
    "headline_up": "All {0} databases answer",
    "headline_up_two": "Both databases answer",
    "headline_up_one": "{0} answers",
    "headline_down_one": "{0} has been down for {1}",
    "headline_down": "{0} of {1} databases are down",
    "headline_down_both": "Both databases are down",
    "headline_down_all": "All {0} databases are down",
    "headline_unknown": "Waiting for the first answer of {0}",
    "headline_unknown_count": "Waiting for the first answer of {0} databases",
    "headline_empty": "Nothing is watched yet",
    "headline_stalled": "The watchdog itself has stalled",
    "stalled": "No round has ended for too long, so what this page shows is old. Look at its log.",
    "reload_failed": "The new configuration was not taken at {0}; mistakes in it: {1}. The one from"
    " before stands.",
    "reload_first": "The first one: `{0}`",
    "reload_what": "`db-watchdog check-config` names them all; mend them and reload.",
    "subline_attention_one": "{0} needs attention: {1}",
    "subline_attention": "{0} need attention",
    "subline_others": "The other {0} answer",
    "subline_other": "The other one answers",
    "subline_waiting": "{0} not yet known",
    "backups_good": "Every backup is in place; the oldest data is {0} old",
    "backups_failing": "Backups failing: {0}",
    "backups_overdue": "Backups overdue: {0}",
    "backups_suspect": "Another database answers for {0}: its new backups are held apart, the old"
    " ones are all kept",
    "backups_missed": "More would be lost, or the way back takes longer, than allowed: {0}",
    "backups_paused": "Backups are paused: {0}",
    "backups_none": "No backups are configured",
    "backups_waiting": "No backup yet: {0}",
    "empty_1": "Name a database in the configuration file:",
    "empty_2": "or give its URL in the environment, in a variable whose name ends in DB_URL:",
    "empty_3": "Then reload with systemctl reload db-watchdog, or start again. The command"
    " db-watchdog check-config names every mistake at once.",
    "attention_heading": "Needs attention",
    "databases": "Databases",
    "files": "SQLite files",
    "server": "Server",
    "what_to_do": "What to do",
    "cause": "Cause",
    "message": "The error in full",
    "documentation": "Documentation",
    "advice": "up, with advice",
    "backup_trouble": "backup in trouble",
    "since": "since {0}",
    "active_for": "for {0}",
    "no_hint": "There is no hint for this one. The message below is all that is known.",
    "and_more": "{0} and {1} more",
    "shows": "Target",
    "state": "State",
    "round_trip": "Round trip",
    "size": "Size",
    "recovery": "Data saved as of",
    "next_backup": "Next backup",
    "ago": "{0} ago",
    "in": "in {0}",
    "due": "now",
    "never": "never",
    "off": "no backups",
    "running": "running for {0}",
    "paused": "paused for {0}",
    "paused_until": "Paused until",
    "burnt": "If it burnt now",
    "burnt_value": "lose {0}, {1}",
    "burnt_back": "back in {0}",
    "burnt_back_unknown": "time of the way back not measured yet",
    "burnt_everything": "everything would be lost",
    "burnt_unknown": "nobody knows now",
    "objective_rpo": "May be lost",
    "objective_rto": "The way back may take",
    "objective_met": "{0}: met",
    "objective_missed": "{0}: missed",
    "objective_unknown": "{0}: not known",
    "held": "Held apart",
    "held_value": "{0}, until accepted",
    "halted": "Removal of old ones",
    "halted_different": "stopped until the new ones are accepted",
    "halted_future": "stopped: one is dated in the future, the clock has moved",
    "halted_unproven": "stopped: none is proven",
    "halted_jump": "stopped until one more success: the clock has jumped, or backups had stopped",
    "failed": "failed",
    "phases": "Connection",
    "availability": "Answered {0} % of {1} watched",
    "url": "URL",
    "labels": "Labels",
    "backups": "Backups",
    "last_backup": "Last backup",
    "recovery_point": "Recovery point",
    "verified": "Proven",
    "level_0": "size only",
    "level_1": "hash matches",
    "level_2": "read through",
    "level_3": "integrity proven",
    "level_4": "restored and compared",
    "kept": "Kept",
    "kept_value": "{0}, together {1}",
    "free": "Free space there",
    "restore_time": "A restore takes",
    "last_drill": "Last restore drill",
    "drill_failed": "It failed",
    "rotten": "Not what they were",
    "rotten_value": "{0} of the stored backups",
    "last_failure": "Last failure",
    "probes": "Probes",
    "recent": "Recent failures",
    "incidents": "Incidents",
    "incident": "Incident",
    "event_down": "down",
    "event_saturation": "connections run out",
    "event_backup": "backup failed",
    "found": "What a closer look found",
    "goes_on": "goes on",
    "lasted": "lasted {0}",
    "before": "Rounds before",
    "server_before": "The server's rounds before",
    "holders": "Who held connections",
    "sessions": "Sessions at work",
    "blockers": "Who blocked whom",
    "slots": "Replication slots",
    "disk": "Disk",
    "reasons": "Other reasons meanwhile",
    "looked_at": "As of {0}",
    "targets": "Databases",
    "connections": "{0} of {1} connections",
    "with_wal": "{0} and {1} of WAL",
    "disk_free": "{0} free on its disk",
    "version": "PostgreSQL {0}",
    "primary": "primary",
    "standby": "standby",
    "server_silent": "does not answer",
    "updated": "As of {0}",
    "stale": "The watchdog does not answer. What you see is as of {0}.",
    "metrics": "Metrics",
    "api": "JSON",
    "copy": "Copy",
    "copied": "Copied",
    "skip": "Skip to the databases",
    "took": "took {0}",
}

_RU: Final[Mapping[str, str]] = {
    "up": "отвечает",
    "down": "не отвечает",
    "unknown": "пока неизвестно",
    "attention": "требует внимания",
    "up_for": "отвечает {0}",
    "down_for": "не отвечает {0}",
    "waiting": "ждём первого ответа",
    "title_up": "всё отвечает",
    "title_down": "не отвечает: {0}",
    "title_attention": "требует внимания: {0}",
    "title_unknown": "ожидание",
    "title_empty": "нечего наблюдать",
    "headline_up": "Все базы данных отвечают: {0}",
    "headline_up_two": "Обе базы данных отвечают",
    "headline_up_one": "{0} отвечает",
    "headline_down_one": "{0} не отвечает уже {1}",
    "headline_down": "Не отвечают базы данных: {0} из {1}",
    "headline_down_both": "Обе базы данных не отвечают",
    "headline_down_all": "Не отвечает ни одна база данных из {0}",
    "headline_unknown": "Ждём первого ответа от {0}",
    "headline_unknown_count": "Ждём первого ответа от баз данных: {0}",
    "headline_empty": "Пока не за чем наблюдать",
    "headline_stalled": "Сам db-watchdog завис",
    "stalled": "Опросы давно не завершались: данные на странице устарели. Посмотрите журнал.",
    "reload_failed": "Новая конфигурация не принята в {0}, ошибок в ней: {1}. Действует прежняя.",
    "reload_first": "Первая из них: `{0}`",
    "reload_what": "Все ошибки покажет `db-watchdog check-config`; исправьте их и перечитайте"
    " конфигурацию ещё раз.",
    "subline_attention_one": "{0} требует внимания: {1}",
    "subline_attention": "требуют внимания: {0}",
    "subline_others": "Остальные отвечают: {0}",
    "subline_other": "Ещё одна отвечает",
    "subline_waiting": "пока неизвестно: {0}",
    "backups_good": "Все резервные копии на месте; возраст самых старых данных: {0}",
    "backups_failing": "Резервное копирование не удаётся: {0}",
    "backups_overdue": "Просрочены резервные копии: {0}",
    "backups_suspect": "Похоже, вместо {0} отвечает другая база: новые копии отложены, прежние"
    " сохранены",
    "backups_missed": "Возможная потеря данных или время восстановления больше допустимого: {0}",
    "backups_paused": "Резервное копирование приостановлено: {0}",
    "backups_none": "Резервное копирование не настроено",
    "backups_waiting": "Ещё нет резервной копии: {0}",
    "empty_1": "Укажите базу данных в файле конфигурации:",
    "empty_2": "или задайте её URL в переменной окружения, имя которой оканчивается на DB_URL:",
    "empty_3": "Затем выполните systemctl reload db-watchdog или перезапустите db-watchdog."
    " Команда db-watchdog check-config покажет все ошибки сразу.",
    "attention_heading": "Требует внимания",
    "databases": "Базы данных",
    "files": "Файлы SQLite",
    "server": "Сервер",
    "what_to_do": "Что делать",
    "cause": "Причина",
    "message": "Исходное сообщение об ошибке",
    "documentation": "Документация",
    "advice": "отвечает, есть рекомендация",
    "backup_trouble": "проблема с резервной копией",
    "since": "с {0}",
    "active_for": "уже {0}",
    "no_hint": "Для этого случая подсказки нет. Сообщение ниже — всё, что известно.",
    "and_more": "{0} и ещё {1}",
    "shows": "Цель",
    "state": "Состояние",
    "round_trip": "Время ответа",
    "size": "Размер",
    "recovery": "Данные сохранены на момент",
    "next_backup": "Следующая копия",
    "ago": "{0} назад",
    "in": "через {0}",
    "due": "сейчас",
    "never": "никогда",
    "off": "без копий",
    "running": "идёт {0}",
    "paused": "пауза ещё {0}",
    "paused_until": "Пауза до",
    "burnt": "При аварии сейчас",
    "burnt_value": "пропадут данные за {0}, {1}",
    "burnt_back": "восстановление за {0}",
    "burnt_back_unknown": "время восстановления ещё не измерено",
    "burnt_everything": "пропадёт всё",
    "burnt_unknown": "сейчас неизвестно",
    "objective_rpo": "Допустимая потеря",
    "objective_rto": "Допустимое время восстановления",
    "objective_met": "{0}: соблюдается",
    "objective_missed": "{0}: не соблюдается",
    "objective_unknown": "{0}: неизвестно",
    "held": "Отложено",
    "held_value": "{0}, до подтверждения",
    "halted": "Удаление старых",
    "halted_different": "остановлено до подтверждения новых",
    "halted_future": "остановлено: дата одной из копий в будущем, часы переводили",
    "halted_unproven": "остановлено: ни одна копия не проверена",
    "halted_jump": "остановлено до следующей удачной копии: часы перевели или копий долго не было",
    "failed": "не удалось",
    "phases": "Подключение",
    "availability": "Отвечала {0} % времени за {1} наблюдения",
    "url": "URL",
    "labels": "Метки",
    "backups": "Резервные копии",
    "last_backup": "Последняя копия",
    "recovery_point": "Точка восстановления",
    "verified": "Проверка",
    "level_0": "только размер",
    "level_1": "контрольная сумма совпала",
    "level_2": "прочитана целиком",
    "level_3": "целостность подтверждена",
    "level_4": "восстановлена и сверена",
    "kept": "Хранится",
    "kept_value": "{0}, всего {1}",
    "free": "Свободно на месте хранения",
    "restore_time": "Восстановление занимает",
    "last_drill": "Последнее пробное восстановление",
    "drill_failed": "Пробное восстановление не удалось",
    "rotten": "Повреждённые копии",
    "rotten_value": "{0} из хранимых",
    "last_failure": "Последняя ошибка",
    "probes": "Пробы",
    "recent": "Недавние ошибки",
    "incidents": "Инциденты",
    "incident": "Инцидент",
    "event_down": "не отвечала",
    "event_saturation": "закончились подключения",
    "event_backup": "сбой резервного копирования",
    "found": "Что показала диагностика",
    "goes_on": "продолжается",
    "lasted": "длился {0}",
    "before": "Опросы перед этим",
    "server_before": "Опросы сервера перед этим",
    "holders": "Кто занимал подключения",
    "sessions": "Активные сеансы",
    "blockers": "Кто кого блокировал",
    "slots": "Слоты репликации",
    "disk": "Диск",
    "reasons": "Другие причины за это время",
    "looked_at": "По состоянию на {0}",
    "targets": "Базы данных",
    "connections": "Подключений: {0} из {1}",
    "with_wal": "{0} и {1} WAL",
    "disk_free": "на диске свободно {0}",
    "version": "PostgreSQL {0}",
    "primary": "ведущий",
    "standby": "резервный",
    "server_silent": "не отвечает",
    "updated": "Данные на {0}",
    "stale": "db-watchdog не отвечает. Показано состояние на {0}.",
    "metrics": "Метрики",
    "api": "JSON",
    "copy": "Копировать",
    "copied": "Скопировано",
    "skip": "Перейти к базам данных",
    "took": "за {0}",
}

PHRASES: Final[Mapping[str, Mapping[str, str]]] = {"en": _EN, "ru": _RU}
_UNITS: Final = {
    "en": {"ms": "ms", "s": "s", "min": "min", "h": "h", "d": "d", "B": "B"},
    "ru": {"ms": "мс", "s": "с", "min": "мин", "h": "ч", "d": "д", "B": "Б"},
}
_SIZES: Final = {
    "en": units.SIZES,
    "ru": ("Б", "КиБ", "МиБ", "ГиБ", "ТиБ", "ПиБ"),
}
_SPACE: Final = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Words:
    """The phrases of one language; an unknown language is English."""

    language: str

    def __call__(self, key: str, *values: object) -> str:
        """Return a phrase with its places filled."""
        return PHRASES.get(self.language, _EN)[key].format(*values)

    def span(self, seconds: float) -> str:
        """Return a duration of a second or more in its two largest units."""
        unit = _UNITS.get(self.language, _UNITS["en"])
        total = max(0, round(seconds))
        if total < _MINUTE:
            return f"{total}{_SPACE}{unit['s']}"
        if total < _HOUR:
            return f"{total // _MINUTE}{_SPACE}{unit['min']}"
        large, small, names = (
            (_HOUR, _MINUTE, ("h", "min")) if total < _DAY else (_DAY, _HOUR, ("d", "h"))
        )
        first, rest = divmod(total, large)
        text = f"{first}{_SPACE}{unit[names[0]]}"
        # beyond ten of the larger unit the smaller one is noise
        if rest // small and first < 10:
            text += f"{_SPACE}{rest // small}{_SPACE}{unit[names[1]]}"
        return text

    def duration(self, seconds: float) -> str:
        """Return a measured duration: milliseconds below a second, three digits."""
        unit = _UNITS.get(self.language, _UNITS["en"])
        if seconds >= _MINUTE:
            return self.span(seconds)
        if seconds >= 1:
            return self._point(f"{seconds:.1f}") + _SPACE + unit["s"]
        milliseconds = seconds * 1000
        digits = 0 if milliseconds >= 10 else 1 if milliseconds >= 0.95 else 2
        return self._point(f"{milliseconds:.{digits}f}") + _SPACE + unit["ms"]

    def size(self, count: float) -> str:
        """Return a size in binary units, three digits."""
        names = _SIZES.get(self.language, _SIZES["en"])
        number, power = units.scaled(count)
        return self._point(number) + _SPACE + names[power]

    def percent(self, share: float) -> str:
        """Return a share of one in percent; 100 only where nothing is missing."""
        if share >= 1:
            return "100"
        return self._point(f"{min(share * 100, 99.99):.2f}")

    @staticmethod
    def instant(value: datetime, now: datetime | None = None) -> str:
        """Return an instant in UTC to the second, without the date if that is today's."""
        value = value.astimezone(UTC)
        today = now is not None and value.date() == now.astimezone(UTC).date()
        return value.strftime("%H:%M:%S UTC" if today else "%Y-%m-%d %H:%M:%S UTC")

    def _point(self, text: str) -> str:
        return text.replace(".", ",") if self.language == "ru" else text
