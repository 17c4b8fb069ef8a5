# The daily targets. ./run and ./test are for newcomers and CI.
.PHONY: build test asan tsan fuzz sim bench hostile format tidy nightly clean

build:            ## the programs and tests, -O2
	scripts/build release
test:             ## what CI runs
	./test
asan:             ## the tests under AddressSanitizer and UBSan
	./test --asan
tsan:             ## unit, actor and engine tests under ThreadSanitizer
	scripts/build tsan
	TSAN_OPTIONS="suppressions=$(CURDIR)/tests/tsan.supp $$TSAN_OPTIONS" \
	  ctest --test-dir build/tsan --output-on-failure -L 'unit|engine|actors'
fuzz:             ## one minute of each fuzzer (clang, libclang-rt-14-dev)
	scripts/build fuzz fuzzers
	tests/fuzz/run 60
sim: build        ## two thousand seeds of the virtual world
	build/release/bin/reveille-sim world --seeds 2000
bench: build      ## beside Kamailio, one run, same machine
	tests/bench/run
hostile: build    ## each attack on the engine with honest calls beside it, what it costs; eight minutes
	tests/hostile/run
format:
	git ls-files '*.cpp' '*.hpp' | xargs clang-format -i
tidy:
	git ls-files '*.cpp' | xargs clang-tidy -p build/release
nightly: test asan fuzz sim bench hostile
clean:
	rm -rf build
