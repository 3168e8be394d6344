import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Log } from '../../src/observe/log.ts';
import { systemClock } from '../../src/shared/clock.ts';

function logging() {
  const writes: string[] = [];
  const write = (lines: string) => void writes.push(lines);
  const log = new Log({ level: 'info', format: 'text', requests: true, clock: systemClock, write });
  return { log, writes, messages: () => messagesIn(writes.join('')) };
}

/** The first word after time and level of each line. */
function messagesIn(text: string): string[] {
  assert.ok(text === '' || text.endsWith('\n'), 'lines are written whole');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split(/ +/)[2] ?? '');
}

describe('a log', () => {
  it('writes the lines of one turn together, in their order', async () => {
    const { log, writes, messages } = logging();
    for (let at = 0; at < 50; at += 1) log.line('info', `m${at}`);
    assert.deepEqual(writes, []);
    await nextTurn();
    assert.equal(writes.length, 1);
    log.line('info', 'm50');
    await nextTurn();
    assert.equal(writes.length, 2);
    assert.deepEqual(
      messages(),
      Array.from({ length: 51 }, (_, at) => `m${at}`),
    );
  });

  it('writes a warning at once, after what came before it', async () => {
    const { log, writes, messages } = logging();
    log.line('info', 'before');
    log.line('warn', 'warned');
    assert.deepEqual(messages(), ['before', 'warned']);
    log.line('error', 'erred');
    assert.deepEqual(messages(), ['before', 'warned', 'erred']);
    await nextTurn();
    assert.equal(writes.length, 2);
  });

  it('gathers no more than so much', () => {
    const { log, writes, messages } = logging();
    for (let at = 0; at < 2_000; at += 1) log.line('info', `m${at}`);
    assert.ok(writes.length > 1);
    for (const text of writes) assert.ok(text.length < 17_000, String(text.length));
    log.flush();
    assert.equal(messages().length, 2_000);
  });

  it('drops what comes while too much lies unread, and says how much that was', () => {
    const writes: string[] = [];
    let unread = 0;
    const write = (lines: string) => void writes.push(lines);
    const log = new Log({
      level: 'info',
      format: 'json',
      requests: true,
      clock: systemClock,
      write,
      unread: () => unread,
    });
    const told = () =>
      writes
        .join('')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line));
    log.line('warn', 'before');
    unread = 1_000_001;
    for (let at = 0; at < 3; at += 1) log.line('error', 'unread');
    log.line('debug', 'not logged at this level');
    log.flush();
    assert.equal(told().length, 1);
    unread = 1_000_000;
    log.line('info', 'after');
    log.line('info', 'later');
    log.flush();
    assert.deepEqual(
      told().map(({ level, message, lines }) => [level, message, lines]),
      [
        ['warn', 'before', undefined],
        ['warn', 'dropped: nobody read the log', 3],
        ['info', 'after', undefined],
        ['info', 'later', undefined],
      ],
    );
  });

  it('loses no line when the process ends at once', () => {
    const script = `
      import { Log } from ${JSON.stringify(new URL('../../src/observe/log.ts', import.meta.url).href)};
      const write = (lines) => void process.stderr.write(lines);
      const clock = { now: () => 0 };
      const log = new Log({ level: 'info', format: 'text', requests: true, clock, write });
      process.on('exit', () => log.flush());
      log.line('info', 'first');
      log.line('info', 'last');
      process.exit(3);`;
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    assert.equal(status, 3);
    assert.deepEqual(messagesIn(stderr), ['first', 'last']);
  });
});
