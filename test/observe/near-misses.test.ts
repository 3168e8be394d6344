import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import type { Finding } from '../../src/observe/advice/finding.ts';
import type { Question } from '../../src/observe/events.ts';
import { sampleEntry } from '../support/entries.ts';
import { testMonitor } from '../support/monitor.ts';

/** A monitor that is told of misses, five seconds of them at a time. */
function watching() {
  const { clock, events, monitor } = testMonitor();
  let fetched = 0;
  return {
    clock,
    monitor,
    /** One that is stored, fresh for an hour unless said otherwise. */
    miss(body: object, more: Partial<Question> = {}, fresh = 3_600_000) {
      fetched += 1;
      if (fetched % 100 === 0) clock.advance(5_000);
      events.emit({
        kind: 'fetched',
        type: 'llm_responses',
        upstream: 'default',
        status: 200,
        outcome: 'stored',
        reason: undefined,
        ms: 1,
        headMs: 1,
        entries: [sampleEntry(`${fetched}`, { born: clock.now(), fresh })],
        question: () => ({
          circle: 'all',
          isRoute: false,
          query: '',
          headers: [],
          content: JSON.stringify(body),
          ...more,
        }),
      });
    },
    findings: (): readonly Finding[] => monitor.findings.filter(({ id }) => id === 'noisy-keys'),
  };
}

const times = (count: number, act: (at: number) => void) => {
  for (let at = 0; at < count; at += 1) act(at);
};

/** As random as a test may be. */
const randomOf = (at: number) => createHash('sha256').update(`${at}`).digest('hex');

const asked = (question: string, system = 'Be brief.') => [
  { content: system, role: 'system' },
  { content: question, role: 'user' },
];

const QUESTIONS = [
  'Why is the sky blue?',
  'Is soup a drink?',
  'Who wrote Emma?',
  'What is rust?',
  'How far is it?',
];
const question = (at: number) => QUESTIONS[at % QUESTIONS.length] ?? '';

describe('found is', () => {
  it('a time in the system prompt of most requests, and which share of the misses it makes', () => {
    const { clock, miss, findings } = watching();
    // Of a thousand misses six hundred have the second in their prompt, the rest are different questions.
    times(1_000, (at) => {
      if (at % 5 < 3) {
        const now = new Date(clock.now() + at * 1_000).toISOString();
        miss({ messages: asked(question(at), `Be brief. It is ${now}.`), model: 'm' });
      } else
        miss({ messages: asked(`What is a ${randomOf(at).replace(/\d/g, '').slice(0, 9)}?`), model: 'm' });
    });
    const [finding, ...others] = findings();
    assert.deepEqual(others, []);
    assert.equal(finding?.type, 'llm_responses');
    assert.equal(finding?.severity, 'warning');
    const { share, ...evidence } = finding?.evidence ?? {};
    assert.deepEqual(evidence, {
      field: 'messages[*].content',
      noise: 'timestamp',
      misses_compared: 1_000,
      near_misses: 597,
      different_values_at_least: 32,
    });
    assert.equal(share, 0.597);
    assert.match(
      finding?.recommendation ?? '',
      /^60 % of 1,000 misses of llm_responses differ from what is stored only in the time in messages\[\*\]\.content: leave it out/,
    );
  });

  it('a field beside the question that says who asks', () => {
    const { miss, findings } = watching();
    times(300, (at) => miss({ messages: asked(question(at)), model: 'm', user_ref: `u${at % 50}` }));
    const [finding, ...others] = findings();
    assert.deepEqual(others, []);
    assert.deepEqual([finding?.evidence.field, finding?.evidence.noise], ['user_ref', 'value']);
    assert.match(finding?.recommendation ?? '', /only in user_ref: .*metadata/);
  });

  it('one that nobody can tell by its name, by its many values', () => {
    const { miss, findings } = watching();
    times(300, (at) => miss({ messages: asked(question(at)), model: 'm', zz: randomOf(at).slice(0, 6) }));
    assert.deepEqual(
      findings().map(({ evidence }) => evidence.field),
      ['zz'],
    );
  });

  it('a header, where the dialect keys it', () => {
    const { miss, findings } = watching();
    times(300, (at) =>
      miss({ messages: asked(question(at)), model: 'm' }, { headers: [['x-session', randomOf(at)]] }),
    );
    const [finding] = findings();
    assert.equal(finding?.evidence.field, 'header:x-session');
    assert.match(finding?.recommendation ?? '', /in the header x-session: do not send it/);
  });

  it('two noises in one request, each of which hides the other', () => {
    const { clock, miss, findings } = watching();
    times(300, (at) => {
      const now = new Date(clock.now() + at * 1_000).toISOString();
      miss({ messages: asked(question(at), `It is ${now}.`), model: 'm', session: `${at}` });
    });
    assert.deepEqual(
      findings()
        .map(({ evidence }) => evidence.field)
        .sort(),
      ['messages[*].content', 'session'],
    );
  });

  it('a time in a text that is embedded', () => {
    const { clock, miss, findings } = watching();
    times(100, (at) => {
      const text = JSON.stringify(`shoes, seen ${new Date(clock.now() + at * 1_000).toISOString()}`);
      miss({}, { content: `item ${text} {"model":"m"}` });
    });
    assert.deepEqual(
      findings().map(({ evidence }) => evidence.field),
      ['input'],
    );
  });

  it('on a route, a parameter that varies with many questions, and what to write in the profile', () => {
    const { miss, findings } = watching();
    times(300, (at) =>
      miss({}, { content: '', isRoute: true, query: `q=${randomOf(at % 20).slice(0, 5)}&session=${at}` }),
    );
    const [finding, ...others] = findings();
    assert.deepEqual(others, []);
    assert.match(
      finding?.recommendation ?? '',
      /in the query’s session: list in routes\[\]\.key\.query .* without session/,
    );
  });
});

describe('nothing is found', () => {
  it('in questions that are different', () => {
    const { miss, findings } = watching();
    times(500, (at) => {
      const word = randomOf(at).replace(/\d/g, '');
      miss({ messages: asked(`What is ${at} + ${at * 7}?`), model: 'm', temperature: (at % 3) / 10 });
      miss({ messages: asked(`Tell me about ${word}.`), model: `m${at % 2}` });
      miss({}, { content: `item "SKU-${1_000 + at}" {"model":"m"}` });
    });
    assert.deepEqual(findings(), []);
  });

  it('in what a search is limited to', () => {
    const { miss, findings } = watching();
    times(200, (at) =>
      miss({ filters: { key: 'shop', type: 'eq', value: `shop-${at}` }, query: question(at) }),
    );
    assert.deepEqual(findings(), []);
  });

  it('in what a route is asked', () => {
    const { miss, findings } = watching();
    times(500, (at) => miss({}, { content: '', isRoute: true, query: `q=${randomOf(at)}&page=${at % 3}` }));
    assert.deepEqual(findings(), []);
  });

  it('where what it differs from is no longer fresh, or belongs to somebody else', () => {
    const { clock, miss, findings } = watching();
    const body = (at: number) => ({ messages: asked('Hi'), model: 'm', session: `${at}` });
    times(200, (at) => {
      miss(body(at), {}, 1_000);
      clock.advance(1_001);
    });
    times(200, (at) => miss(body(at), { circle: `${at}` }));
    assert.deepEqual(findings(), []);
  });

  it('any more, some time after it was mended', () => {
    const { miss, findings } = watching();
    times(1_000, (at) => miss({ messages: asked(question(at)), model: 'm', session: `${at}` }));
    assert.equal(findings().length, 1);
    times(20_000, (at) => miss({ messages: asked(randomOf(at).replace(/\d/g, '')), model: 'm' }));
    assert.deepEqual(findings(), []);
  });
});

describe('bounded', () => {
  it('ten thousand fields and questions take no more space than a few hundred, and no text is kept', () => {
    const { miss, monitor } = watching();
    times(10_000, (at) => {
      miss({
        messages: asked('secret words'),
        model: 'm',
        [`field_${'abcdefghij'[at % 10]}${randomOf(at).replace(/\d/g, '')}`]: at,
      });
      miss({ messages: asked('secret words'), model: 'm', [`f${'xyz'.repeat(at % 9)}`]: randomOf(at) });
    });
    const lines = [...monitor.nearMisses.lines];
    assert.ok(lines.length <= 200, `${lines.length} lines`);
    for (const { values, questions } of lines) assert.ok(values.size <= 32 && questions.size <= 32);
    const told = JSON.stringify(monitor.findings);
    assert.ok(!told.includes('secret') && !told.includes(randomOf(9_999)));
  });

  it('what is too long, or comes too often, is not read', () => {
    const { miss, monitor } = watching();
    miss({ messages: asked('x'.repeat(200_000)), model: 'm' });
    assert.equal(monitor.nearMisses.compared.size, 0);
    times(99, (at) => miss({ messages: asked('x'.repeat(50_000)), model: 'm', at }));
    // A million characters, at fifty-five thousand each.
    assert.equal(monitor.nearMisses.compared.get('llm_responses'), 18);
  });
});
