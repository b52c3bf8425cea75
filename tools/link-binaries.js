#!/usr/bin/env node
// Fills tools/bin, the one folder that the Makefile puts on PATH. ape-foundry and forge start the tools by name, and
// the launchers that npm puts in node_modules/.bin are Node programs: they cost start-up time and hide signals.
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

function nativeBinary(tool) {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  return require.resolve(`@foundry-rs/${tool}-${platform}/bin/${tool}${suffix}`);
}

fs.mkdirSync(BIN, { recursive: true });
for (const tool of FOUNDRY_TOOLS) link(tool, nativeBinary(tool));

const solc = path.join(__dirname, 'solc.js');
const { version } = require('solc/package.json');
link('solc', solc);
link(`solc-v${version}`, solc);
const stamp = path.join(BIN, '.solc-version');
fs.rmSync(stamp, { force: true });
const report = execFileSync(solc, ['--version'], { encoding: 'utf8' });
fs.writeFileSync(stamp, /Version: (\S+)/.exec(report)[1]);
