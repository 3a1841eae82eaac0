"""OpenStack Swift with its S3 API, all of it in one process on loopback.

``python swift_server.py FOLDER account:user:key:groups …`` prints its address once it listens, and
ends with the process that started it.
"""

from __future__ import annotations

import os
import pathlib
import sys

import eventlet

eventlet.monkey_patch()

import swift.common.utils as swift_utils  # noqa: E402

FOLDER = pathlib.Path(sys.argv[1])
swift_utils.SWIFT_CONF_FILE = str(FOLDER / "swift.conf")

from eventlet import wsgi  # noqa: E402
from swift.common.ring import RingBuilder  # noqa: E402
from swift.common.wsgi import loadapp  # noqa: E402

STORES = ("account", "container", "object")
PIPELINE = "catch_errors gatekeeper healthcheck listing_formats bulk tempurl s3api tempauth copy slo dlo proxy-server"
DEFAULT = f"[DEFAULT]\nswift_dir = {FOLDER}\nmount_check = false\nuser = nobody\nlog_level = ERROR\n"


def configure(ports: dict[str, int]) -> None:
    (FOLDER / "devices" / "disk").mkdir(parents=True)
    (FOLDER / "swift.conf").write_text(
        "[swift-hash]\nswift_hash_path_suffix = s\nswift_hash_path_prefix = p\n"
        "[storage-policy:0]\nname = one\ndefault = yes\n"
    )
    for name in STORES:
        builder = RingBuilder(4, 1, 0)
        builder.add_dev(
            {"region": 0, "zone": 0, "weight": 1.0, "ip": "127.0.0.1", "port": ports[name], "device": "disk"}
        )
        builder.rebalance()
        builder.get_ring().save(str(FOLDER / f"{name}.ring.gz"))
        (FOLDER / f"{name}.conf").write_text(
            f"{DEFAULT}devices = {FOLDER / 'devices'}\nbind_ip = 127.0.0.1\nbind_port = {ports[name]}\n"
            f"[pipeline:main]\npipeline = {name}-server\n[app:{name}-server]\nuse = egg:swift#{name}\n"
        )
    plain = [name for name in PIPELINE.split() if name not in ("s3api", "tempauth", "proxy-server")]
    users = [user.split(":") for user in sys.argv[2:]]
    (FOLDER / "proxy.conf").write_text(
        f"{DEFAULT}bind_ip = 127.0.0.1\nbind_port = {ports['proxy']}\n[pipeline:main]\npipeline = {PIPELINE}\n"
        "[app:proxy-server]\nuse = egg:swift#proxy\nallow_account_management = true\naccount_autocreate = true\n"
        + "".join(f"[filter:{name}]\nuse = egg:swift#{name}\n" for name in plain)
        + "[filter:s3api]\nuse = egg:swift#s3api\nlocation = us-east-1\nmin_segment_size = 1\n"
        + "[filter:tempauth]\nuse = egg:swift#tempauth\n"
        + "".join(f"user_{account}_{user} = {key} {groups}\n" for account, user, key, groups in users)
    )


def main() -> None:
    sockets = {name: eventlet.listen(("127.0.0.1", 0)) for name in (*STORES, "proxy")}
    configure({name: socket.getsockname()[1] for name, socket in sockets.items()})
    for name, socket in sockets.items():
        application = loadapp(str(FOLDER / f"{name}.conf"), global_conf={"log_level": "ERROR"})
        eventlet.spawn(wsgi.server, socket, application, log_output=False)
    print(f"http://127.0.0.1:{sockets['proxy'].getsockname()[1]}", flush=True)
    parent = os.getppid()
    while os.getppid() == parent:
        eventlet.sleep(0.5)


if __name__ == "__main__":
    main()
