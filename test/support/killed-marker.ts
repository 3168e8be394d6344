import { Marks } from '../../src/cache/marks.ts';
import { MarkLog } from '../../src/invalidation/mark-log.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { Stamps } from '../../src/shared/stamps.ts';

/*
 * The process that the kill test of marks kills. It opens the log of marks by a clock that is `behindMs` late, says what it found there, and
 * then purges one tag after the other, several at a time, saying each one's number and stamp once it is durable.
 */
const [path = '', behindMs = '0'] = process.argv.slice(2);
const clock = { ...systemClock, now: () => systemClock.now() - Number(behindMs) };
const marks = new Marks();
const stamps = new Stamps(clock);
const log = await MarkLog.open({ path, fresh: false, marks, stamps, clock });
const found = [...marks.all()].flatMap(({ condition, stamp }) =>
  (condition?.tags ?? []).map((tag): [number, number] => [Number(tag), stamp]),
);
say({ trusted: log.trusted, found, next: stamps.next() });
for (let next = found.length; ; next += 4) {
  await Promise.all(
    [next, next + 1, next + 2, next + 3].map(async (number) => {
      const condition = { tags: [`${number}`] };
      const mark = { condition, effect: 'purge', stamp: stamps.next() } as const;
      marks.add(mark);
      await log.keep([mark]);
      say({ durable: [number, mark.stamp] });
    }),
  );
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
