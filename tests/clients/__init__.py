"""Real command-line agents against a real proxy: `./run.sh test clients`. They are installed from npm and PyPI, so no other run has them."""
