# Source this to run ape, forge, anvil or cast by hand with the pinned versions: `. tools/env.sh`
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
export PATH="$root/tools/bin:$root/.venv/bin:$PATH"
export SOLCX_BINARY_PATH="$root/tools/bin"
unset root
