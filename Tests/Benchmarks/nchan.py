"""nginx with the nchan module (Debian: nginx-light, libnginx-mod-nchan) in the place of a pushd with a port of each kind."""

import pathlib
import subprocess

from secure import secure_port
from throwaway import Pushd, throwaway
from support import wait_until

MODULE = pathlib.Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
CONFIGURATION = """
daemon off; master_process off; user root; pid {home}/pid; error_log {home}/error.log warn;
worker_rlimit_nofile 100000; load_module {module};
events {{ worker_connections 20000; }}
http {{
  access_log off; tcp_nodelay on; keepalive_requests 1000000000; keepalive_timeout 3600s; send_timeout 3600s;
  nchan_shared_memory_size 512M; nchan_message_buffer_length 0;
  client_body_temp_path {home}/b; proxy_temp_path {home}/p; fastcgi_temp_path {home}/f; uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
  ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;
  server {{
    listen 127.0.0.1:{port} backlog=4096; listen 127.0.0.1:{tls_port} ssl backlog=4096;
    location = /ws {{ nchan_subscriber websocket; nchan_channel_id $arg_channel; nchan_subscriber_first_message newest;
                      nchan_subscriber_timeout 0; nchan_websocket_ping_interval 0; }}
    location = /publish {{ nchan_publisher http; nchan_channel_id $arg_channel; }}
    location = /health {{ return 200 "{{}}"; }}
  }}
}}
"""


class Nchan(Pushd):
    """One process, as pushd with one worker is."""

    def __init__(self, directory, port, tls_options):
        words = dict(zip(tls_options[::2], tls_options[1::2]))
        self.tls_port = int(words["--listen"].rpartition(":")[2])  # the last one
        text = CONFIGURATION.format(
            home=directory, module=MODULE, port=port, tls_port=self.tls_port, certificate=words["--tls-cert"], key=words["--tls-key"]
        )
        (directory / "nginx.conf").write_text(text)
        self.host, self.port, self.unix_path, self.clients, self.options = "127.0.0.1", port, None, [], tls_options
        self.log_path = directory / "error.log"
        command = ["nginx", "-c", directory / "nginx.conf", "-e", self.log_path, "-p", directory]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        wait_until(self._is_up, "an answer on /health")


def throwaway_nchan(port, tls_options):
    return throwaway(Nchan, port, tls_options)
