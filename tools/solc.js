#!/usr/bin/env node
// The Solidity team publishes no native compiler on npm, only WebAssembly. This executable gives that build the
// command line that forge, py-solc-x (ape) and crytic-compile (slither) expect of a native `solc`:
//   --version
//   --standard-json [FILE|-] [--base-path P] [--include-path P]... [--allow-paths P,...]
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const VALUE_OPTIONS = new Set(['--base-path', '--include-path', '--allow-paths', '--evm-version']);
const IGNORED_FLAGS = new Set(['--allow-empty', '--pretty-json']);
const PROJECT = path.dirname(__dirname);
const VERSION_STAMP = path.join(__dirname, 'bin', '.solc-version');

function fail(message) {
  process.stderr.write(`solc: ${message}\n`);
  process.exit(1);
}

function parseArguments(argv) {
  const parsed = { mode: null, input: '-', base: process.cwd(), include: [], allowed: [] };
  const rest = [...argv];
  while (rest.length > 0) {
    const argument = rest.shift();
    const equals = argument.startsWith('--') ? argument.indexOf('=') : -1;
    const name = equals < 0 ? argument : argument.slice(0, equals);
    if (VALUE_OPTIONS.has(name)) {
      const value = equals < 0 ? rest.shift() : argument.slice(equals + 1);
      if (value === undefined) fail(`option '${name}' needs a value`);
      if (name === '--base-path') parsed.base = path.resolve(value);
      if (name === '--include-path') parsed.include.push(path.resolve(value));
      if (name === '--allow-paths') {
        parsed.allowed.push(...value.split(',').filter(Boolean).map((p) => path.resolve(p)));
      }
    } else if (name === '--version' || name === '--standard-json') {
      parsed.mode = name;
    } else if (name === '-' || !name.startsWith('-')) {
      parsed.input = name;
    } else if (!IGNORED_FLAGS.has(name)) {
      fail(`unsupported option '${name}'`);
    }
  }
  return parsed;
}

function loadCompiler() {
  const compiler = require('solc');
  // The WebAssembly runtime installs handlers that turn any later error into its own abort message.
  process.removeAllListeners('uncaughtException');
  process.removeAllListeners('unhandledRejection');
  return compiler;
}

// ape asks for the version many times a run, and loading the compiler costs half a second: `make setup` stores it.
function longVersion() {
  const pinned = require('solc/package.json').version;
  if (fs.existsSync(VERSION_STAMP)) {
    const stored = fs.readFileSync(VERSION_STAMP, 'utf8').trim();
    if (stored.startsWith(`${pinned}+`)) return stored;
  }
  return loadCompiler().version();
}

function isInside(file, folder) {
  const relative = path.relative(folder, file);
  return relative === '' || (!relative.startsWith('..') && !path.isAbsolute(relative));
}

// ape compiles a copy of the contracts in a temporary folder, without the libraries: those are read where npm put them.
function sourceReader({ base, include, allowed }) {
  const roots = [base, ...include];
  const readable = [...roots, path.join(PROJECT, 'node_modules'), ...allowed];
  return (name) => {
    const candidates = roots.map((root) => path.resolve(root, name));
    if (name.startsWith('node_modules/')) candidates.push(path.resolve(PROJECT, name));
    const found = candidates.find((file) => fs.existsSync(file));
    if (found === undefined) return { error: `File not found: ${name}` };
    const real = fs.realpathSync(found);
    const permitted = readable.some((folder) => fs.existsSync(folder) && isInside(real, fs.realpathSync(folder)));
    if (!permitted) return { error: `File outside of allowed directories: ${name}` };
    return { contents: fs.readFileSync(real, 'utf8') };
  };
}

const options = parseArguments(process.argv.slice(2));
if (options.mode === '--version') {
  process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${longVersion()}\n`);
} else if (options.mode === '--standard-json') {
  const input = fs.readFileSync(options.input === '-' ? 0 : options.input, 'utf8');
  process.stdout.write(`${loadCompiler().compile(input, { import: sourceReader(options) })}\n`);
} else {
  fail('one of --version and --standard-json is required');
}
