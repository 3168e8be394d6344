import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RepriseError } from '../../src/shared/errors.ts';
import type { Sink, UpstreamClient } from '../../src/upstream/client.ts';
import { Gate } from '../../src/upstream/gate.ts';
import { Health } from '../../src/upstream/health.ts';
import { admitting } from '../../src/upstream/turns.ts';
import { ManualClock } from '../support/clock.ts';
import { callTo } from '../support/upstream/sink.ts';

/** A client whose calls take turns of one, and the calls that have gone out, which the test ends itself. */
function setUp() {
  const clock = new ManualClock();
  const health = new Health({ failures: 1, probeMs: 2_000, retryAfterFailureMs: 5_000 }, clock);
  const gate = new Gate({ max: 1, queue: 9, waitMs: 30_000 }, clock);
  const out: { readonly name: string; readonly sink: Sink; readonly told: string[] }[] = [];
  const client: UpstreamClient = {
    send({ path }, sink) {
      const told: string[] = [];
      out.push({ name: path, sink, told });
      const tell = (word: string) => () => void told.push(word);
      return { abort: tell('abort'), pause: tell('pause'), resume: tell('resume') };
    },
    close: async () => {},
  };
  const taking = admitting(client, { name: 'u', health, gate });
  /** How calls ended, in that order: `NAME end`, `NAME CODE`. */
  const ended: string[] = [];
  const send = (name: string) =>
    taking.send(callTo('http://u', { path: name }), {
      head: (status) => health.answered(status),
      data: () => undefined,
      end: () => ended.push(`${name} end`),
      error(error) {
        health.erred(error);
        ended.push(`${name} ${error.code}`);
      },
    });
  return { clock, health, gate, out, ended, send };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const broken = new RepriseError('upstream_unreachable', 'it broke');

describe('calls that take turns', () => {
  it('when the breaker opens meanwhile, end in its refusal one after the other, and none goes out', async () => {
    const { out, ended, send, gate } = setUp();
    for (const name of ['a', 'b', 'c']) send(name);
    out[0]?.sink.error(broken);
    await settled();
    assert.deepEqual(ended, ['a upstream_unreachable', 'b upstream_unavailable', 'c upstream_unavailable']);
    assert.deepEqual([out.length, gate.inside, gate.waiting], [1, 0, 0]);
  });

  it('once a probe is due, the first of them is it, and its success lets the others go out', async () => {
    const { clock, health, out, ended, send } = setUp();
    for (const name of ['a', 'b', 'c', 'd']) send(name);
    health.failed();
    clock.advance(2_000);
    out[0]?.sink.end();
    await settled();
    assert.deepEqual(
      out.map(({ name }) => name),
      ['a', 'b'],
    );
    out[1]?.sink.head(200, []);
    out[1]?.sink.end();
    out[2]?.sink.end();
    out[3]?.sink.end();
    assert.deepEqual(ended, ['a end', 'b end', 'c end', 'd end']);
  });

  it('that wait are told nothing once they are aborted, and never go out', async () => {
    const { clock, out, ended, send, gate } = setUp();
    send('a');
    send('b').abort();
    const c = send('c');
    assert.equal(gate.waiting, 1);
    clock.advance(30_000);
    c.abort();
    await settled();
    out[0]?.sink.end();
    assert.deepEqual([ended, out.length, clock.pending], [['a end'], 1, 0]);
  });

  it('that are aborted while they run give their place up at once, and only once', () => {
    const { out, gate, send } = setUp();
    const a = send('a');
    send('b');
    send('c');
    a.abort();
    a.abort();
    assert.deepEqual(out[0]?.told, ['abort', 'abort']);
    assert.deepEqual([out.length, gate.inside, gate.waiting], [2, 1, 1]);
  });

  it('can be paused and resumed before and after they have gone out', () => {
    const { out, send } = setUp();
    send('a');
    const b = send('b');
    const c = send('c');
    b.pause();
    c.pause();
    c.resume();
    out[0]?.sink.end();
    b.resume();
    out[1]?.sink.end();
    assert.deepEqual(
      out.map(({ told }) => told),
      [[], ['pause', 'resume'], []],
    );
  });
});
