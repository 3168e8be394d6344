/** How an upstream speaks the OpenAI API: decides which defaults equal absence and which headers shape an answer. */
export const DIALECTS = ['openai', 'azure', 'vllm', 'ollama', 'llamacpp', 'generic'] as const;

/** One of {@link DIALECTS}. */
export type Dialect = (typeof DIALECTS)[number];

/** The dialect an upstream speaks when the profile does not say: it follows the host of `baseUrl`. */
export function dialectOfHost(baseUrl: URL): Dialect {
  const host = baseUrl.hostname;
  if (host === 'openai.com' || host.endsWith('.openai.com')) return 'openai';
  if (AZURE_HOSTS.some((suffix) => host.endsWith(suffix))) return 'azure';
  return 'generic';
}

// The hosts of Azure OpenAI, AI Foundry and their sovereign clouds.
const AZURE_HOSTS = [
  '.openai.azure.com',
  '.openai.azure.us',
  '.openai.azure.cn',
  '.services.ai.azure.com',
  '.cognitiveservices.azure.com',
];
