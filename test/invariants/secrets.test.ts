import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CREDENTIAL_HEADERS } from '../../src/openai/credential-headers.ts';
import { until, within } from '../support/deadline.ts';
import { tempFolder } from '../support/folder.ts';
import { chat, open, send } from '../support/http.ts';
import { sendJson } from '../support/openai-server.ts';
import { findSecret } from '../support/secrets.ts';
import { startUpstream } from '../support/upstream.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const CHAT = '/v1/chat/completions';

describe('what must always hold of secrets', () => {
  it('is looked for in each of its forms', () => {
    for (const before of ['', 'a', 'ab'])
      for (const form of ['base64', 'base64url', 'hex', 'utf8'] as const) {
        const bytes = Buffer.from(Buffer.from(`${before}S3cr3t/of+mine!?more`).toString(form));
        assert.ok(findSecret(bytes, 'S3cr3t/of+mine!?'), `${form} after "${before}"`);
      }
    assert.equal(findSecret(Buffer.from('nothing of the kind'), 'S3cr3t/of+mine!?'), undefined);
  });

  it('12. No secret at rest: not in the data folder, nor in a log at its most talkative', async () => {
    await using upstream = await startUpstream();
    const data = tempFolder();
    const secrets: string[] = [];
    const secret = () => {
      const made = `S3CR3T-${secrets.length}-of/the+caller`;
      secrets.push(made);
      return made;
    };
    const admin = secret();
    const settings = ['log.level=debug', 'log.format=json', 'disk.compression=none'];
    const child = spawn(
      process.execPath,
      [
        ...[MAIN, 'serve', '--port', '0', '--data', data, '--upstream', upstream.url],
        ...settings.flatMap((setting) => ['--set', setting]),
      ],
      { env: { PATH: process.env.PATH, REPRISE_ADMIN_TOKEN: admin, OPENAI_API_KEY: secret() } },
    );
    const output: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => output.push(bytes));
    const said = () => Buffer.concat(output);
    const closed = once(child, 'close');
    try {
      await until(() => said().includes('reprise ready'), 'the ready line', 20_000);
      const url = /http:\/\/\S+/.exec(said().toString())?.[0] ?? '';
      const credentials: Record<string, string>[] = [
        ...CREDENTIAL_HEADERS.map((name) => ({
          [name]: name === 'authorization' ? `Bearer ${secret()}` : secret(),
        })),
        { authorization: `Basic ${Buffer.from(`user:${secret()}`).toString('base64')}` },
        { cookie: `session=${secret()}` },
        { 'proxy-authorization': `Bearer ${secret()}` },
        { 'x-forwarded-access-token': secret() },
        { authorization: `Bearer ${admin}` },
      ];
      for (const headers of credentials) {
        const ask = (path: string, body?: object | string) =>
          send(url + path, { headers, ...(body !== undefined && { body }) });
        for (let time = 0; time < 2; time += 1) {
          await ask(CHAT, chat('kept'));
          await ask(CHAT, chat('streamed', { stream: true }));
          await ask('/v1/embeddings', { model: 'e', input: ['x', 'y'] });
          await ask('/v1/responses', { model: 'm', input: 'x' });
          await ask(`/v1/models?api-key=${encodeURIComponent(secret())}`);
        }
        await ask(CHAT, { ...chat('bypassed'), tools: [{ type: 'web_search' }] });
        await ask('/v1/files');
        await ask('/nowhere');
        await ask(CHAT, 'no JSON');
        await ask('//refused');
        // What OpenAI says of a wrong key has the key in it; half of the calls get no answer at all.
        const wrong = secret();
        upstream.answer((_request, response) =>
          sendJson(response, 401, { error: { message: `Incorrect API key provided: ${wrong}` } }),
        );
        await ask(CHAT, chat('refused'));
        upstream.answer((_request, response) => void response.destroy());
        await ask(CHAT, chat('broken'));
        upstream.answer(undefined);
        (await open(url + CHAT, { headers, body: chat('left', { stream: true }) })).leave();
      }
      child.kill('SIGTERM');
      await within(closed, 'the end', 20_000);
    } finally {
      child.kill('SIGKILL');
    }
    assert.match(said().toString(), /"message":"answered"/);
    const files = await readdir(data, { recursive: true, withFileTypes: true });
    const written = await Promise.all(
      files
        .filter((file) => file.isFile())
        .map(async (file) => [file.name, await readFile(join(file.parentPath, file.name))] as const),
    );
    assert.ok(written.some(([, bytes]) => bytes.includes('chat.completion')));
    for (const [name, bytes] of [...written, ['the log', said()] as const]) {
      for (const each of secrets) assert.equal(findSecret(bytes, each), undefined, `${each} in ${name}`);
    }
  });
});
