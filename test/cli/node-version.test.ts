import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { unfitNode } from '../../src/cli/node-version.ts';

const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

test('an older Node is told what is needed, and none that the package is for', () => {
  for (const version of ['22.19.0', '22.20.1', '24.0.0', '26.10.0', '100.0.0', process.versions.node])
    assert.equal(unfitNode(version, engines.node), undefined, version);
  for (const version of ['22.18.9', '22.2.0', '20.20.2', '9.0.0'])
    assert.equal(
      unfitNode(version, engines.node),
      `Reprise needs Node 22.19 or later, and this is ${version}`,
    );
});
