import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Alerts } from '../../src/observe/alerts.ts';
import type { Event } from '../../src/observe/events.ts';
import { TURN_MS } from '../../src/observe/windows.ts';
import { answered } from '../support/answered.ts';
import { levelState, testMonitor, upstreamState } from '../support/monitor.ts';

describe('hysteresis', () => {
  it('two looks in a row raise an alert and three clear it, and each is told once', () => {
    const told: string[] = [];
    const alerts = new Alerts<boolean>(
      [{ id: 'a', severity: 'warning', check: (bad) => (bad ? 'it is bad' : undefined) }],
      ({ id }, state) => told.push(`${id} ${state}`),
    );
    const look = (...seen: readonly boolean[]) => {
      for (const bad of seen) alerts.look(bad, 1_000);
      return alerts.raised.length;
    };
    assert.equal(look(true, false, true, false), 0);
    assert.equal(look(true, true), 1);
    assert.equal(look(false, false, true, false, false), 1);
    assert.equal(look(false), 0);
    assert.deepEqual(told, ['a raised', 'a cleared']);
  });
});

/** A monitor that is asked for its alerts after some looks. */
function watched(sources: Parameters<typeof testMonitor>[0] = {}) {
  const { clock, events, monitor } = testMonitor(sources);
  const told: string[] = [];
  events.listen((event: Event) => {
    if (event.kind === 'alert') told.push(`${event.id} ${event.state}`);
  });
  return {
    events,
    told,
    after(looks: number) {
      clock.advance(looks * TURN_MS);
      return monitor.alerts.map(({ id }) => id);
    },
  };
}

it('an upstream that is down is told until it is up again', () => {
  let state: 'up' | 'down' = 'down';
  const { after, told } = watched({ upstreams: () => new Map([['default', upstreamState({ state })]]) });
  assert.deepEqual(after(2), ['upstream-down']);
  state = 'up';
  assert.deepEqual(after(3), []);
  assert.deepEqual(told, ['upstream-down raised', 'upstream-down cleared']);
});

it('an upstream whose last call failed is told until one succeeds', () => {
  let state: 'up' | 'failing' = 'failing';
  const { after } = watched({ upstreams: () => new Map([['default', upstreamState({ state })]]) });
  assert.deepEqual(after(2), ['upstream-failing']);
  state = 'up';
  assert.deepEqual(after(3), []);
});

it('a full queue, a degraded tier and a full one are told until they are so no more', () => {
  let full = true;
  let level = levelState({ entries: 1_000, health: { state: 'degraded', reason: 'no space' } });
  const { after } = watched({
    upstreams: () => new Map([['default', upstreamState({ full })]]),
    levels: () => [level],
  });
  assert.deepEqual(after(2), ['queue-full', 'tier-degraded', 'saturation']);
  full = false;
  level = levelState({ entries: 900 });
  assert.deepEqual(after(5), ['saturation']);
  level = levelState({ entries: 899 });
  assert.deepEqual(after(3), []);
});

it('entries that are dropped before their time are told from sixty a minute on, until there are fewer than twenty', () => {
  let unexpired = 0;
  let each = 6;
  const { after } = watched({
    levels: () => {
      unexpired += each;
      return [levelState({ unexpired })];
    },
  });
  const isRaised = (looks: number) => after(looks).includes('evictions');
  each = 1;
  assert.equal(isRaised(20), false);
  each = 10;
  assert.equal(isRaised(20), true);
  each = 3;
  assert.equal(isRaised(20), true);
  each = 0;
  assert.equal(isRaised(20), false);
});

it('a hit rate that falls against its own past is told until it has risen again', () => {
  const { after, events } = watched();
  const serve = (outcome: string) => {
    for (let at = 0; at < 300; at += 1) events.emit(answered(`${at}`, { outcome }));
  };
  serve('HIT');
  assert.deepEqual(after(20 * 12), []);
  serve('MISS');
  assert.deepEqual(after(2), ['hit-rate-fallen']);
  // Half of what it was is not enough to be over.
  serve('HIT');
  assert.deepEqual(after(10), ['hit-rate-fallen']);
  serve('HIT');
  serve('HIT');
  assert.deepEqual(after(3), []);
});

it('many invalidations and many refusals in a minute are told, until that is over', () => {
  const { after, events } = watched();
  after(1);
  for (let at = 0; at < 700; at += 1) {
    const tags: readonly string[] = [];
    events.emit({ kind: 'invalidated', id: 'i', by: 'api', mode: 'purge', dryRun: false, matched: 1, tags });
    events.emit({ kind: 'refused', at: 'control plane' });
  }
  assert.deepEqual(after(2), ['invalidation-storm', 'auth-failures']);
  assert.deepEqual(after(20), []);
});

it('a write queue that is nearly full is told until half of it is written', () => {
  const maxBytes = 1_000;
  let bytes = 890;
  const { after } = watched({ levels: () => [levelState({ level: 'l2', queue: { bytes, maxBytes } })] });
  assert.deepEqual(after(5), []);
  bytes = 900;
  assert.deepEqual(after(2), ['write-queue']);
  bytes = 500;
  assert.deepEqual(after(10), ['write-queue']);
  bytes = 499;
  assert.deepEqual(after(3), []);
});

it('what is slow to take what is written is named: the disk, or Redis', () => {
  const queue = { bytes: 1_000, maxBytes: 1_000 };
  const said = (level: 'l2' | 'l3') => {
    const { clock, monitor } = testMonitor({ levels: () => [levelState({ level, queue })] });
    clock.advance(2 * TURN_MS);
    return monitor.alerts.map(({ message }) => message).join();
  };
  assert.match(said('l2'), /^l2: 100 % .* The disk is too slow/);
  assert.match(said('l3'), /^l3: 100 % .* Redis, or the way to it, is too slow/);
});

it('a disk with less room than the data folder may yet take is told until there is a tenth more than that', () => {
  const growth = 500_000_000;
  let free = growth;
  const { after } = watched({ disk: () => ({ free, growth }) });
  assert.deepEqual(after(5), []);
  free = growth - 1;
  assert.deepEqual(after(2), ['disk-space']);
  free = growth * 1.09;
  assert.deepEqual(after(10), ['disk-space']);
  free = growth * 1.1;
  assert.deepEqual(after(3), []);
});

describe('the clock', () => {
  const told = (by: number) => {
    const { clock, monitor } = testMonitor();
    const after = (ms: number) => {
      clock.advance(ms);
      return monitor.alerts.map(({ id, message }) => `${id}: ${message}`).join();
    };
    after(TURN_MS);
    clock.setWall(clock.now() + by);
    return after;
  };

  it('is told to have been set back, and no more after ten minutes', () => {
    const after = told(-3_600_000);
    assert.match(after(2 * TURN_MS), /^clock-jump: the clock was set back by 3600 s/);
    assert.notEqual(after(9 * 60_000), '');
    assert.equal(after(70_000), '');
  });

  it('is told to have been set forward', () => {
    assert.match(told(7_000)(2 * TURN_MS), /^clock-jump: the clock was set forward by 7 s/);
  });

  it('may be adjusted by a little, as time services do', () => {
    assert.equal(told(-4_000)(5 * TURN_MS), '');
  });
});

describe('the pace of an upstream', () => {
  function paced() {
    const { after, events } = watched();
    const call = (type: string, ms: number) =>
      events.emit({
        kind: 'fetched',
        type,
        upstream: 'default',
        status: 200,
        outcome: 'stored',
        reason: undefined,
        ms,
        headMs: undefined,
        entries: [],
      });
    return (turns: number, ...calls: readonly (readonly [type: string, ms: number])[]) => {
      let raised: readonly string[] = [];
      for (let turn = 0; turn < turns; turn += 1) {
        for (const [type, ms] of calls) call(type, ms);
        raised = after(1);
      }
      return raised;
    };
  }

  it('is told when calls take three times as long as usual, until they take less than twice', () => {
    const during = paced();
    assert.deepEqual(during(3_000, ['llm_responses', 1_000]), []);
    assert.deepEqual(during(60, ['llm_responses', 5_000]), ['upstream-slow']);
    assert.deepEqual(during(60, ['llm_responses', 2_500]), ['upstream-slow']);
    assert.deepEqual(during(60, ['llm_responses', 1_000]), []);
  });

  it('is its own for each type: more slow calls beside fast ones are no slower upstream', () => {
    const during = paced();
    during(300, ['embeddings', 50], ['llm_responses', 5_000]);
    assert.deepEqual(during(60, ['llm_responses', 5_000], ['llm_responses', 5_000]), []);
  });

  it('is not told for a few slow calls, nor for milliseconds, nor any more when nobody calls', () => {
    const during = paced();
    during(300, ['llm_responses', 1_000], ['embeddings', 10]);
    assert.deepEqual(during(2, ['llm_responses', 60_000]), []);
    assert.deepEqual(during(60, ['embeddings', 50]), []);
    assert.deepEqual(during(60, ['llm_responses', 10_000]), ['upstream-slow']);
    assert.deepEqual(during(60), []);
  });
});
