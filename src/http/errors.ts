import { RepriseError } from '../shared/errors.ts';

/** An error of ours as a client gets it. */
export interface ErrorAnswer {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

/**
 * An error of ours in OpenAI's shape (ErrorResponse of the API's specification), so that every SDK shows its message.
 * `x-should-retry: false` stops the SDKs' own retries where the same request can only fail again.
 */
export function errorAnswer(error: RepriseError): ErrorAnswer {
  const body = Buffer.from(
    JSON.stringify({
      error: { message: error.message, type: 'reprise_error', param: error.param, code: error.code },
    }),
  );
  const headers: [string, string][] = [
    ['content-type', 'application/json'],
    ['content-length', String(body.length)],
  ];
  if (error.retryAfterS !== undefined) headers.push(['retry-after', String(error.retryAfterS)]);
  if (POINTLESS.has(error.code)) headers.push(['x-should-retry', 'false']);
  return { status: error.status, headers, body };
}

/** The answer to `only-if-cached` where nothing is cached (RFC 9111 §5.2.1.7). */
export function notCached(): RepriseError {
  return new RepriseError(
    'not_cached',
    'There is no stored answer to this request, and it asked for nothing else (only-if-cached).',
    {
      param: 'cache-control',
    },
  );
}

/** What a client is told where something was thrown that is no error of ours: its details are for the log. */
export function defect(cause: unknown): RepriseError {
  return new RepriseError('internal_error', 'Something is wrong in the proxy itself; its log says what.', {
    cause,
  });
}

const POINTLESS: ReadonlySet<string> = new Set([
  'invalid_request',
  'unauthorized',
  'forbidden',
  'not_found',
  'method_not_allowed',
  'request_too_large',
  'upstream_invalid',
  'not_cached',
]);
