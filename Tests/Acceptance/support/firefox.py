"""A headless Firefox that shows one page."""

import json
import os
import shutil
import subprocess

COMMAND = next(filter(shutil.which, ["firefox-esr", "firefox"]), None)

# Traffic to other machines goes to a proxy that does not exist.
NOWHERE = {
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "network.dns.disabled": True,
    "network.trr.mode": 5,
}
PREFERENCES = NOWHERE | {
    "app.normandy.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}


class Firefox:
    def __init__(self, directory):
        self.directory = directory
        self.process = None
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in PREFERENCES.items()]
        (directory / "profile").mkdir()
        (directory / "profile/user.js").write_text("".join(lines))

    def open(self, url):
        with (self.directory / "firefox.log").open("wb") as log:
            self.process = subprocess.Popen(
                [COMMAND, "--headless", "--no-remote", "--profile", self.directory / "profile", url],
                env=os.environ | {"HOME": str(self.directory), "MOZ_CRASHREPORTER_DISABLE": "1"},
                stdout=log,
                stderr=log,
            )

    def close(self):
        self.process.terminate()
        self.process.wait(20)
