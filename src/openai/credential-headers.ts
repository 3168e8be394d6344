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
