import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createUpstreamClient } from '../../src/upstream/client.ts';
import { answerHeaders, forwardHeaders, replayable } from '../../src/upstream/headers.ts';
import { within } from '../support/deadline.ts';
import { callTo, collect } from '../support/upstream/sink.ts';
import { startUpstream } from '../support/upstream.ts';

describe('headers on their way', () => {
  it('upstream go the names and values as sent, without hop-by-hop ones, this hop’s own, and ours', () => {
    const raw = [
      'Host',
      'proxy',
      'Authorization',
      'Bearer x',
      'Connection',
      'keep-alive, X-Private',
      'X-Private',
      '1',
      'Transfer-Encoding',
      'chunked',
      'Content-Length',
      '3',
      'X-Cache-TTL',
      '5s',
      'x-cache-tags',
      'a',
      'Cache-Control',
      'no-cache',
      'Accept-Encoding',
      'br',
      'X-Twice',
      '1',
      'X-Twice',
      '2',
      'traceparent',
      't',
      'Expect',
      '100-continue',
    ];
    assert.deepEqual(forwardHeaders(raw, { reads: false }), [
      'Authorization',
      'Bearer x',
      'Cache-Control',
      'no-cache',
      'Accept-Encoding',
      'br',
      'X-Twice',
      '1',
      'X-Twice',
      '2',
      'traceparent',
      't',
    ]);
    assert.deepEqual(forwardHeaders(raw, { reads: true }).slice(-2), ['accept-encoding', 'identity']);
    assert.equal(forwardHeaders(raw, { reads: true }).includes('br'), false);
    const trace = ['traceparent', 'ours'];
    assert.deepEqual(
      forwardHeaders(['TraceParent', 't', 'TraceState', 's', 'a', 'b'], { reads: false, trace }),
      ['a', 'b', 'traceparent', 'ours'],
    );
  });

  it('to the caller goes all but hop-by-hop ones, those connection names, and CORS', () => {
    const headers = [
      ['connection', 'x-mine'],
      ['x-mine', '1'],
      ['keep-alive', '1'],
      ['access-control-allow-origin', '*'],
      ['alt-svc', 'h3=":443"'],
      ['strict-transport-security', 'max-age=31536000'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['x-request-id', 'r'],
      ['content-length', '3'],
    ] as const;
    assert.deepEqual(answerHeaders(headers), [
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['x-request-id', 'r'],
      ['content-length', '3'],
    ]);
  });

  it('with an entry are kept only those on the list', () => {
    const headers = [
      ['content-type', 'a/b'],
      ['x-request-id', 'r'],
      ['openai-organization', 'o'],
      ['openai-version', 'v'],
      ['date', 'd'],
    ] as const;
    assert.deepEqual(replayable(headers), [
      ['content-type', 'a/b'],
      ['openai-version', 'v'],
    ]);
  });

  it('connection names them in any case, over several lines, with blanks and without sense', async () => {
    const raw = ['CONNECTION', ' X-One ,, x-TWO', 'connection', 'x-three', 'X-ONE', '1', 'x-two', '2'];
    assert.deepEqual(forwardHeaders([...raw, 'X-Three', '3', 'x-four', '4'], { reads: false }), [
      'x-four',
      '4',
    ]);
    const told = [
      ['connection', 'X-One ,, x-TWO'],
      ['connection', 'x-three'],
      ['x-one', '1'],
      ['x-two', '2'],
      ['x-three', '3'],
      ['x-four', '4'],
    ] as const;
    assert.deepEqual(answerHeaders(told), [['x-four', '4']]);
  });

  it('on real connections, what is for one hop reaches neither the upstream nor the caller', async () => {
    await using upstream = await startUpstream();
    upstream.answer((_request, response) => {
      response.writeHead(200, [
        ...['Connection', 'keep-alive, X-Hop', 'X-Hop', '1', 'Proxy-Authenticate', 'Basic', 'Trailer', 'x-t'],
        ...['Transfer-Encoding', 'chunked', 'Upgrade', 'h2c', 'X-End', 'both', 'X-End', 'lines'],
      ]);
      response.write('text');
      response.addTrailers({ 'x-t': '1' });
      response.end();
    });
    const client = createUpstreamClient({ connect: 2_000, headers: 60_000, idle: 60_000 }, {});
    const sent = [
      ...[
        'Host',
        'proxy',
        'Connection',
        'close, X-Hop',
        'X-Hop',
        '1',
        'Keep-Alive',
        'timeout=1',
        'TE',
        'trailers',
      ],
      ...['Proxy-Authorization', 'Basic x', 'Upgrade', 'websocket', 'Transfer-Encoding', 'chunked'],
      ...['Expect', '100-continue', 'Content-Length', '99', 'X-End', 'a', 'X-End', 'b'],
    ];
    const told = collect(
      client,
      callTo(upstream.origin, { headers: forwardHeaders(sent, { reads: false }) }),
    );
    await within(told.done, 'the answer').finally(() => client.close());
    assert.equal(told.body.toString(), 'text');
    assert.deepEqual(upstream.calls[0]?.rawHeaders, [
      ...['host', new URL(upstream.origin).host, 'connection', 'keep-alive'],
      ...['X-End', 'a', 'X-End', 'b', 'content-length', '2'],
    ]);
    assert.deepEqual(
      answerHeaders(told.headers).filter(([name]) => name !== 'date'),
      [
        ['x-end', 'both'],
        ['x-end', 'lines'],
      ],
    );
  });
});
