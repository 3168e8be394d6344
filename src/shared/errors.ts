/** Every error code of ours with its HTTP status. The codes are public and stable. */
export const ERROR_STATUS = {
  invalid_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  request_too_large: 413,
  rate_limited: 429,
  internal_error: 500,
  upstream_unreachable: 502,
  upstream_invalid: 502,
  overloaded: 503,
  upstream_unavailable: 503,
  upstream_timeout: 504,
  not_cached: 504,
} as const;

/** One of our public error codes. */
export type ErrorCode = keyof typeof ERROR_STATUS;

/** An error that a client is told of, in OpenAI's shape (`http/errors.ts`). */
export class RepriseError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  /** The request field or header the error is about, if it is about one. */
  readonly param: string | null;
  /** Seconds after which a retry makes sense; absent where it never does or where the client's own delay is right. */
  readonly retryAfterS: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    details: { param?: string; retryAfterS?: number; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'RepriseError';
    this.code = code;
    this.status = ERROR_STATUS[code];
    this.param = details.param ?? null;
    this.retryAfterS = details.retryAfterS;
  }
}

/** The message of anything thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Whether a file was not found. */
export function isAbsent(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';
}
