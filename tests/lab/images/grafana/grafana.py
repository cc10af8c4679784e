"""Answer /api/health with what Grafana would find: its files, its settings, its volume."""

import json
import os
import re
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


def password():
    """Return it as the image's own start does: from the variable or a file, never both."""
    file = os.environ.get("GF_SECURITY_ADMIN_PASSWORD__FILE")
    given = os.environ.get("GF_SECURITY_ADMIN_PASSWORD")
    if bool(file) == bool(given):
        raise KeyError("one of GF_SECURITY_ADMIN_PASSWORD and its __FILE")
    return given or Path(file).read_text().rstrip("\n")


def found():
    """Return it; raise an error where a file cannot be read."""
    provisioning = Path(os.environ["GF_PATHS_PROVISIONING"])
    files = sorted(provisioning.glob("*/*.yml"))
    provider = (provisioning / "dashboards" / "db-watchdog.yml").read_text()
    folder = Path(re.search(r"^ +path: (\S+)$", provider, re.MULTILINE)[1])
    home = Path(os.environ["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    (Path("/var/lib/grafana") / "grafana.db").touch()
    return {
        "provisioned": [str(file.relative_to(provisioning)) for file in files if file.read_text()],
        "dashboards": sorted(json.loads(f.read_text())["uid"] for f in folder.glob("*.json")),
        "home": json.loads(home.read_text())["uid"],
        "admin_password": password(),
        "anonymous": os.environ["GF_AUTH_ANONYMOUS_ENABLED"],
        "keeps": True,
    }


class Handler(BaseHTTPRequestHandler):
    """One path."""

    def do_GET(self):
        """Answer 200, or 500 with what is missing."""
        try:
            status, text = 200, json.dumps(found())
        except (OSError, KeyError, TypeError, ValueError) as error:
            status, text = 500, repr(error)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())


if __name__ == "__main__":
    HTTPServer(("0.0.0.0", 3000), Handler).serve_forever()
