/** The first segments of the paths that the OpenAI-compatible API has to itself: OpenAI's and Azure's. */
export const SURFACE_ROOTS: readonly string[] = ['v1', 'openai'];

/** The paths outside of these that belong to it, to the letter: where Cohere and what speaks like it rerank. */
export const SURFACE_PATHS: readonly string[] = ['/rerank', '/v2/rerank'];

/** Whether a path, as sent, belongs to the OpenAI-compatible API. */
export function isOnSurface(path: string): boolean {
  return (
    SURFACE_PATHS.includes(path) || path === '/v1' || path.startsWith('/v1/') || path.startsWith('/openai/')
  );
}

/** The paths of `/v1{path}`, wherever `/v1` stands: at OpenAI's place, and at that of Azure's newer API. */
export function apiPaths(path: string): readonly string[] {
  return [`/v1${path}`, `/openai/v1${path}`];
}

/**
 * The paths of `/v1{path}`, also at Azure's older API. There the path says which deployment answers, as its variable
 * `model`, and what the body says of the model is ignored.
 */
export function deployedPaths(path: string): readonly string[] {
  return [...apiPaths(path), `/openai/deployments/{model}${path}`];
}
