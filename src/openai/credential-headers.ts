import type { Dialect } from './dialect.ts';

/** The headers that say who asks: OpenAI's, Azure's (also through its API Management), Anthropic's and Google's custom. */
export const CREDENTIAL_HEADERS = [
  'authorization',
  'api-key',
  'x-api-key',
  'ocp-apim-subscription-key',
  'x-goog-api-key',
  'openai-organization',
  'openai-project',
] as const;

/** The headers that carry `apiKey` to an upstream of this dialect, flat; none without a key. */
export function credentialHeaders(dialect: Dialect, apiKey: string | undefined): readonly string[] {
  if (apiKey === undefined) return [];
  return dialect === 'azure' ? ['api-key', apiKey] : ['authorization', `Bearer ${apiKey}`];
}

// Pages cannot set headers on a WebSocket; OpenAI's SDK offers its credential there as subprotocols.
const PROTOCOL_KEY = 'openai-insecure-api-key.';
const PROTOCOL_CREDENTIALS = [PROTOCOL_KEY, 'openai-organization.', 'openai-project.'];

/** The API key among the subprotocols of a WebSocket (the value of `sec-websocket-protocol`), if it is there. */
export function protocolKey(offered: string | undefined): string | undefined {
  return protocols(offered)
    .find((protocol) => protocol.startsWith(PROTOCOL_KEY))
    ?.slice(PROTOCOL_KEY.length);
}

/** The subprotocols without those that say who asks, as a header's value; empty if there is no other. */
export function withoutCredentials(offered: string): string {
  const kept = protocols(offered).filter(
    (protocol) => !PROTOCOL_CREDENTIALS.some((prefix) => protocol.startsWith(prefix)),
  );
  return kept.join(', ');
}

function protocols(offered = ''): string[] {
  return offered.split(',').map((protocol) => protocol.trim());
}
