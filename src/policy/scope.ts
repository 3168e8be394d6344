import { createHmac } from 'node:crypto';

/**
 * Who may be served an entry: an HMAC-SHA-256 under the install secret of the credential, its organization and its
 * project, in base64url; 'anonymous' for a request without any. The credential cannot be recovered from it, and it says
 * nothing on another installation.
 */
export function scopeOf(secret: Buffer, header: (name: string) => string | undefined): string {
  const marks = CREDENTIAL_HEADERS.map((name) => header(name));
  if (marks.every((mark) => mark === undefined)) return 'anonymous';
  // JSON keeps the framing injective: no two lists of values share a text.
  return createHmac('sha256', secret).update(JSON.stringify(marks)).digest('base64url');
}

/** The headers that say who asks: OpenAI's, Azure's, and those of servers that follow Anthropic's custom. */
export const CREDENTIAL_HEADERS = [
  'authorization',
  'api-key',
  'x-api-key',
  'openai-organization',
  'openai-project',
] as const;
