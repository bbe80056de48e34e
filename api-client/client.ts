/** A typed client of the whole API, for front ends: paths, bodies and answers come from the OpenAPI document. */
import createFetchClient, { type Client } from 'openapi-fetch';
import type { paths } from './schema.generated.ts';

export type PitbossClient = Client<paths>;

export type PitbossClientOptions = {
  /** Where the API answers, without a path: `https://play.example`. */
  readonly baseUrl: string;
  /** Asked before every request, since sessions end and are renewed; null for requests of nobody. */
  readonly token?: () => string | null;
};

/** Answers are `{ data }` or `{ error }`, never exceptions; `error` is a problem document with a stable `code`. */
export function createPitbossClient(options: PitbossClientOptions): PitbossClient {
  const client = createFetchClient<paths>({ baseUrl: options.baseUrl });
  client.use({
    onRequest: ({ request }) => {
      const token = options.token?.() ?? null;
      if (token !== null) request.headers.set('authorization', `Bearer ${token}`);
      return request;
    },
  });
  return client;
}
