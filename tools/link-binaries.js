#!/usr/bin/env node
// Fills tools/bin, the one folder that the Makefile puts on PATH. The native packages are
// named directly because Foundry's own npm launchers are Node programs, which cost start-up time and hide signals.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const BIN = path.join(__dirname, 'bin');
const FOUNDRY_TOOLS = ['anvil', 'cast', 'forge'];

function link(name, target) {
  const location = path.join(BIN, name);
  fs.rmSync(location, { force: true });
  fs.symlinkSync(path.relative(BIN, target), location);
}

fs.mkdirSync(BIN, { recursive: true });
for (const tool of FOUNDRY_TOOLS) link(tool, require.resolve(`@foundry-rs/${tool}-linux-amd64/bin/${tool}`));

const solc = path.join(__dirname, 'solc.js');
const { version } = require('solc/package.json');
link('solc', solc);
link(`solc-v${version}`, solc);
const stamp = path.join(BIN, '.solc-version');
fs.rmSync(stamp, { force: true });
const report = execFileSync(solc, ['--version'], { encoding: 'utf8' });
fs.writeFileSync(stamp, /Version: (\S+)/.exec(report)[1]);
