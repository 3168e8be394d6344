import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FollowerLine, FromFollower } from '../../src/http/other-threads.ts';
import { SaidTags } from '../../src/http/said-tags.ts';

function told(): { readonly tags: SaidTags; readonly said: FromFollower[] } {
  const said: FromFollower[] = [];
  const line: FollowerLine = { say: (one) => void said.push(one), listen() {}, hangUp() {} };
  return { tags: new SaidTags(5, [['model:m', 5]], line), said };
}

describe('what callers of a followed stream say', () => {
  it('is told to the thread that fetches it where that does not know it, and nothing else is', () => {
    const { tags, said } = told();
    tags.take(0, [['model:m', 5]], true);
    assert.deepEqual([said, tags.heard], [[], undefined]);
    tags.take(
      0,
      [
        ['lamp', 5],
        ['model:m', 5],
      ],
      true,
    );
    tags.take(0, [['lamp', 5]], true);
    tags.take(0, [['lamp', 3]], true);
    tags.take(0, [], false);
    tags.take(0, [], false);
    tags.limit(undefined);
    tags.limit(500);
    tags.limit(800);
    tags.limit(200);
    const news = said.map((one) => (one.kind === 'said' ? [one.tags.length, one.isWhole, one.ttlMs] : []));
    assert.deepEqual(news, [
      [2, true, undefined],
      [1, true, undefined],
      [0, false, undefined],
      [0, true, 500],
      [0, true, 200],
    ]);
    assert.deepEqual(tags.of(0), [
      ['model:m', 5],
      ['lamp', 3],
    ]);
    assert.equal(tags.incomplete, true);
  });

  it('has been heard once that thread has said so of all that was said by then, or hears no more', async () => {
    const { tags } = told();
    const order: string[] = [];
    tags.take(0, [['a', 5]], true);
    const first = tags.heard?.then(() => order.push('a'));
    tags.take(0, [['b', 5]], true);
    const second = tags.heard?.then(() => order.push('b'));
    tags.heardUpTo(1);
    await first;
    assert.deepEqual(order, ['a']);
    tags.heardUpTo(2);
    await second;
    assert.deepEqual([order, tags.heard], [['a', 'b'], undefined]);
    tags.take(0, [['c', 5]], true);
    const last = tags.heard;
    assert.ok(last !== undefined);
    tags.heardUpTo();
    await last;
  });
});
