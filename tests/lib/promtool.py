"""promtool of Debian's package prometheus, unpacked into the cache and not installed: the package
would start a server."""

import drivers


def path():
    def build(folder):
        drivers.run("sh", "-c", "apt-get download prometheus || { apt-get update && apt-get download prometheus; } && "
                                "dpkg -x prometheus_*.deb . && rm prometheus_*.deb", cwd=folder)
    return drivers.cached("promtool", [], build) / "usr" / "bin" / "promtool"
