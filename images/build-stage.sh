#!/usr/bin/env bash
# The build stage of every image. `build-stage.sh tools` installs the compiler; `build-stage.sh
# LIBRARY...` builds static libraries into /opt/static from Debian's own sources (their patches
# included) with only what the programs use; `build-stage.sh program NAME...` builds ours and
# lays out the final image in /root-fs. One library a RUN line, in the same order in every Dockerfile,
# so that images share the layers.
#
# Environment: DEBIAN_MIRROR, SECURITY_MIRROR, APT_OPTIONS (for apt-get, e.g. a proxy).
set -euo pipefail

prefix=/opt/static
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
security=${SECURITY_MIRROR:-http://deb.debian.org/debian-security}
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig LIBRARY_PATH=$prefix/lib C_INCLUDE_PATH=$prefix/include
# PIC for static-pie; sections so that the linker drops what nobody calls.
export CFLAGS="-O2 -fPIE -ffunction-sections -fdata-sections -fstack-protector-strong -D_FORTIFY_SOURCE=2"
small=${CFLAGS/-O2/-Os}

apt() {
    # shellcheck disable=SC2086 # APT_OPTIONS is a list of words
    DEBIAN_FRONTEND=noninteractive apt-get -q -y ${APT_OPTIONS:-} "$@"
}

lists_and_tools() {
    rm -f /etc/apt/sources.list.d/*
    {
        echo "deb $mirror bookworm main"
        echo "deb $mirror bookworm-updates main"
        echo "deb $security bookworm-security main"
    } > /etc/apt/sources.list
    sed 's/^deb /deb-src /' /etc/apt/sources.list > /etc/apt/sources.list.d/sources.list
    apt update
    apt install --no-install-recommends gcc libc6-dev make cmake perl python3-minimal pkg-config \
        dpkg-dev ca-certificates
}

# Unpack the newest source that the mirror really has, and stand in it. The lists are fetched each
# time: those of a cached layer name files that are gone by now.
fetch() { # PACKAGE
    local version
    apt update
    for version in $(apt-cache showsrc --only-source "$1" | sed -n 's/^Version: //p' | sort -rV | uniq); do
        if apt -o APT::Sandbox::User=root source --only-source "$1=$version"; then
            echo "$1 $version" >> $prefix/VERSIONS
            cd "$(find . -mindepth 1 -maxdepth 1 -type d)"
            install -D -m 0644 debian/copyright "$prefix/doc/$1/copyright"
            return
        fi
        echo "build-stage: the mirror lists $1 $version and does not have it" >&2
    done
    echo "build-stage: no source of $1" >&2
    exit 1
}

with_cmake() { # OPTION...
    cmake -S . -B out -DCMAKE_BUILD_TYPE=None -DCMAKE_INSTALL_PREFIX=$prefix -DCMAKE_INSTALL_LIBDIR=lib \
        -DCMAKE_PREFIX_PATH=$prefix -DBUILD_SHARED_LIBS=OFF -DBUILD_TESTING=OFF "$@"
    cmake --build out -j "$(nproc)"
    cmake --install out
}

# What TLS 1.2 and 1.3 to Kafka, ArangoDB and exchanges need, and SCRAM; no way to load code.
lib_openssl() {
    fetch openssl
    # shellcheck disable=SC2086
    ./Configure --prefix=$prefix --libdir=lib --openssldir=/etc/ssl $small \
        no-shared no-tests no-dso no-module no-legacy no-comp no-ui-console \
        no-ssl3 no-tls1 no-tls1_1 no-dtls no-srp no-psk no-srtp no-nextprotoneg no-ct no-ocsp no-cms no-cmp \
        no-ts no-aria no-bf no-blake2 no-camellia no-cast no-des no-dsa no-gost no-idea no-md4 \
        no-mdc2 no-rc2 no-rc4 no-rmd160 no-scrypt no-seed no-siphash no-siv no-sm2 no-sm3 no-sm4 \
        no-whirlpool no-ec2m no-rfc3779
    make -s -j "$(nproc)" build_libs
    make -s install_dev
}

lib_zlib() {
    fetch zlib
    CFLAGS="$CFLAGS" ./configure --static --prefix=$prefix
    make -s -j "$(nproc)" libz.a
    make -s install
}

# librdkafka reads what other producers wrote; ours write lz4.
lib_zstd() {
    fetch libzstd
    make -s -C lib -j "$(nproc)" libzstd.a CFLAGS="$small" ZSTD_LEGACY_SUPPORT=0 ZSTD_LIB_DICTBUILDER=0 \
        ZSTD_LIB_DEPRECATED=0
    make -s -C lib install-static install-includes install-pc PREFIX=$prefix
}

lib_jansson() {
    fetch jansson
    with_cmake -DJANSSON_BUILD_DOCS=OFF -DJANSSON_WITHOUT_TESTS=ON -DJANSSON_EXAMPLES=OFF
}

lib_libuv() {
    fetch libuv1
    with_cmake -DLIBUV_BUILD_TESTS=OFF
    rm -f $prefix/lib/libuv.so*
    mv $prefix/lib/libuv_a.a $prefix/lib/libuv.a
}

lib_curl() {
    fetch curl
    with_cmake -DBUILD_CURL_EXE=OFF -DHTTP_ONLY=ON -DCURL_USE_OPENSSL=ON -DCURL_ZLIB=ON \
        -DUSE_LIBIDN2=OFF -DCURL_USE_LIBPSL=OFF -DCURL_USE_LIBSSH2=OFF -DUSE_NGHTTP2=OFF \
        -DENABLE_MANUAL=OFF -DCURL_DISABLE_ALTSVC=ON -DCURL_DISABLE_HSTS=ON -DCURL_DISABLE_COOKIES=ON \
        -DCURL_DISABLE_NETRC=ON -DCURL_DISABLE_NTLM=ON -DCURL_DISABLE_DOH=ON -DCURL_DISABLE_MIME=ON \
        -DENABLE_UNIX_SOCKETS=OFF -DCURL_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt -DCURL_CA_PATH=none
    # What cmake wrote asks for the shared libgcc.
    sed -i -e '/^Libs/d' $prefix/lib/pkgconfig/libcurl.pc
    cat >> $prefix/lib/pkgconfig/libcurl.pc <<- \END
		Libs: -L${libdir} -lcurl
		Libs.private: -pthread
		Requires.private: libssl zlib
	END
}

lib_librdkafka() {
    fetch librdkafka
    # Its configure insists on a C++ compiler, which the C library never runs.
    CXX=gcc ./configure --prefix=$prefix --libdir=$prefix/lib --enable-static --disable-gssapi --disable-curl \
        --disable-lz4-ext --disable-syslog --disable-debug-symbols
    # A static program loads no plug-ins.
    sed -i '/WITH_LIBDL\|WITH_PLUGINS/d' config.h Makefile.config
    make -s -C src -j "$(nproc)" librdkafka.a rdkafka.pc
    install -D -m 0644 src/librdkafka.a $prefix/lib/librdkafka.a
    install -D -m 0644 src/rdkafka.h $prefix/include/librdkafka/rdkafka.h
    install -D -m 0644 src/rdkafka.pc $prefix/lib/pkgconfig/rdkafka.pc
}

lib_libwebsockets() {
    fetch libwebsockets
    with_cmake -DLWS_WITH_SHARED=OFF -DLWS_WITH_STATIC=ON -DLWS_STATIC_PIC=ON -DLWS_WITHOUT_TESTAPPS=ON \
        -DLWS_WITH_LIBUV=ON -DLWS_WITH_EVLIB_PLUGINS=OFF -DLWS_WITH_HTTP2=OFF -DLWS_IPV6=ON \
        -DLWS_WITH_ZLIB=OFF -DLWS_UNIX_SOCK=OFF -DLWS_WITH_LEJP=OFF -DLWS_WITH_SYS_SMD=OFF \
        -DLWS_WITH_DIR=OFF -DLWS_WITH_LEJP_CONF=OFF -DDISABLE_WERROR=ON
    echo 'Requires.private: libssl libcrypto libuv' >> $prefix/lib/pkgconfig/libwebsockets.pc
}

# Users, trusted authorities, name resolution: what a program finds in an image without a system.
program() { # NAME...
    local root=/root-fs name
    # shellcheck disable=SC2016 # make expands it: sqlite3 is for the embedded store alone
    make -j "$(nproc)" STATIC=1 EMB_PKGS='$(PKGS)' "${@/#/build/static/bin/}"
    for name; do
        install -D -m 0755 -s "build/static/bin/$name" "$root/$name"
    done
    install -D -m 0644 /etc/ssl/certs/ca-certificates.crt $root/etc/ssl/certs/ca-certificates.crt
    # OpenSSL's own default; librdkafka and libwebsockets ask there.
    ln -s certs/ca-certificates.crt $root/etc/ssl/cert.pem
    echo 'streamforge:x:65532:65532::/:/nonexistent' > $root/etc/passwd
    echo 'streamforge:x:65532:' > $root/etc/group
    # Both are part of a static glibc; any other word would have it look for a library.
    echo 'hosts: files dns' > $root/etc/nsswitch.conf
    mkdir -p $root/usr/share/doc
    cp -r $prefix/doc/. $root/usr/share/doc/
    cp $prefix/VERSIONS $root/usr/share/doc/VERSIONS
}

case "${1:-}" in
tools) lists_and_tools ;;
program)
    shift
    program "$@"
    ;;
*)
    mkdir -p $prefix/lib/pkgconfig
    for library; do
        work=$(mktemp -d)
        (cd "$work" && "lib_$library")
        rm -rf "$work"
    done
    ;;
esac
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*
