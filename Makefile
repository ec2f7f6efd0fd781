# The two commands of the README are `make run` and `make test`; the others are for maintainers.

# What Debian 12 must have: to build, and to test. Later needs are named here, nowhere else.
BUILD_PACKAGES = libsystemd-dev libssl-dev libjansson-dev libcurl4-openssl-dev pkg-config
TEST_PACKAGES = python3 python3-aiosmtpd nginx-light openssl mandoc mmdebstrap debian-archive-keyring systemd-container \
  nix-bin shellcheck qemu-system-x86 busybox-static e2fsprogs

SUDO = $(if $(filter 0,$(shell id -u)),,sudo)
SWIFT_TEST = swift test -c release --disable-xctest --no-parallel

.PHONY: run build test lint soak fuzz bench clean build-packages test-packages test-rootfs test-vm

run: build
	@examples/quickstart/run

build: build-packages
	swift build -c release

test: build-packages test-packages test-rootfs test-vm lint
	swift build -c release --build-tests
	$(SWIFT_TEST) --skip-build

lint:
	swift format lint --strict --parallel --recursive Package.swift Sources Tests Benchmarks Fuzz

# The long versions: hours, not minutes. docs/soak.md keeps the last seed, date and result.
soak: build-packages test-packages test-rootfs test-vm
	swift build -c release --build-tests
	REGEN_SOAK=1 REGEN_SIMULATION_SEEDS=100000 REGEN_KILL_ROUNDS=1000 $(SWIFT_TEST) --skip-build

# Everything that parses, a minute each; FUZZ_SECONDS says otherwise.
fuzz: build-packages
	@Fuzz/run

bench: build-packages test-packages
	@Benchmarks/run
	@Benchmarks/probes/run
	@Benchmarks/hang/run
	@Benchmarks/rollback/run

clean:
	rm -rf .build

# Installs what is missing, on Debian. Elsewhere the compiler says what it misses.
build-packages:
	@packages="$(BUILD_PACKAGES)"; $(install)

test-packages:
	@packages="$(TEST_PACKAGES)"; $(install)

# What the container tests boot. Without it they are skipped, and say so.
test-rootfs: test-packages
	@Tests/ContainerTests/make-rootfs || echo "container tests will be skipped"

# What the VM tests boot: that, with a kernel of its own.
test-vm: test-rootfs
	@Tests/VMTests/make-vm || echo "VM tests will be skipped"

define install
command -v dpkg-query >/dev/null || { echo "not Debian: needed are $$packages"; exit 0; }; \
missing=; for p in $$packages; do \
  dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'install ok installed' || missing="$$missing $$p"; \
done; \
[ -z "$$missing" ] || { echo "installing$$missing"; \
  $(SUDO) apt-get update -qq && \
  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; }
endef
