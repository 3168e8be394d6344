import assert from 'node:assert/strict';
import { it } from 'node:test';
import { GCProfiler, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BriefMap } from '../../src/shared/brief-map.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

it('is a map, in the order in which keys came', () => {
  const map = new BriefMap<string, number>();
  map.set('a', 1);
  map.set('b', 2);
  map.set('a', 3);
  assert.deepEqual([map.size, map.get('a'), map.get('c')], [2, 3, undefined]);
  assert.deepEqual([...map.values()], [3, 2]);
  assert.deepEqual([...map].flat(), ['a', 3, 'b', 2]);
  assert.deepEqual([...map.keys()], ['a', 'b']);
  assert.deepEqual([map.delete('a'), map.delete('a'), map.get('a'), map.size], [true, false, undefined, 1]);
  map.clear();
  assert.deepEqual([map.size, map.get('b'), [...map.values()]], [0, undefined, []]);
});

it('has its values walked through while they come and go', () => {
  const map = new BriefMap<number, string>();
  for (const [at, name] of ['a', 'b', 'c'].entries()) map.set(at, name);
  const met: string[] = [];
  for (const name of map.values()) {
    met.push(name);
    if (name === 'a') map.delete(1);
    if (name === 'c') map.set(9, 'd');
  }
  assert.deepEqual(met, ['a', 'c', 'd']);
});

it('promotes little of what has come and gone', () => {
  const ours = promotedBy(new BriefMap<number, unknown>());
  // Once a Map of V8's does as well, there is no reason for another.
  const byMap = promotedBy(new Map<number, unknown>());
  assert.ok(ours < byMap / 4, `${ours} bytes of 160 MB, and ${byMap} by a Map`);
});

/** Bytes that are promoted to the old generation while 160 MB pass through `map`, 64 values at a time. */
function promotedBy(map: Pick<BriefMap<number, unknown>, 'set' | 'delete'>): number {
  const pass = (count: number) => {
    for (let at = 0; at < count; at += 1) {
      map.set(at, new Array(100).fill(at));
      map.delete(at - 64);
    }
  };
  pass(1_000);
  // Now the map is old.
  collect();
  const profiler = new GCProfiler();
  profiler.start();
  pass(200_000);
  const { statistics } = profiler.stop();
  let bytes = 0;
  for (const { gcType, beforeGC, afterGC } of statistics) {
    if (gcType !== 'Scavenge') continue;
    bytes += oldOf(afterGC.heapSpaceStatistics) - oldOf(beforeGC.heapSpaceStatistics);
  }
  return bytes;
}

function oldOf(spaces: readonly { readonly spaceName: string; readonly spaceUsedSize: number }[]): number {
  return spaces.find(({ spaceName }) => spaceName === 'old_space')?.spaceUsedSize ?? Number.NaN;
}
