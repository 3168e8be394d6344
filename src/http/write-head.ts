import type { ServerResponse } from 'node:http';

/**
 * Begins an answer; `headers` are flat. What was set on it before stays: of a name that is in both Node keeps only what
 * `headers` say, and `vary`, which CORS needs, is a list that both write to (RFC 9110 §12.5.5).
 */
export function writeHead(response: ServerResponse, status: number, headers: string[]): void {
  const vary = response.getHeader('vary');
  response.writeHead(status, typeof vary === 'string' ? [...headers, 'vary', vary] : headers);
}

/**
 * Sends an answer's head on its way, unless something of its body follows at once: that is of the same write then. A write of
 * its own for every head was a tenth of what it cost to pass an answer on (measured).
 */
export function flushHeadSoon(response: ServerResponse): void {
  process.nextTick(() => {
    const isSent = response.writableEnded || response.writableLength > 0 || response.destroyed;
    if (!isSent) response.flushHeaders();
  });
}
