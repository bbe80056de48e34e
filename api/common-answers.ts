/** What any route may answer before its handler runs, added to the description of each, so that no route has to repeat it. */
import type { FailureCode } from '#domain/failures.ts';
import { statusOf } from './problem.ts';

type Response = { readonly description: string; readonly content?: object };

/** The parts of an OpenAPI operation that decide which guards it passes. */
type Operation = {
  responses?: Record<string, Response | { readonly $ref: string }>;
  readonly security?: readonly Readonly<Record<string, unknown>>[];
  readonly parameters?: readonly object[];
  readonly requestBody?: object;
};

const methods = ['get', 'post', 'put', 'patch', 'delete'] as const;
type Path = { readonly [M in (typeof methods)[number]]?: Operation };

/** Changes the document in place: statuses and codes of the guards are merged with those of the route. */
export function addCommonAnswers(document: { paths?: Record<string, Path> | undefined }): void {
  for (const [address, path] of Object.entries(document.paths ?? {})) {
    for (const method of methods) {
      const operation = path[method];
      if (operation)
        operation.responses = merge(operation.responses ?? {}, commonCodes(address, method, operation));
    }
  }
}

function commonCodes(address: string, method: string, operation: Operation): readonly FailureCode[] {
  const schemes = (operation.security ?? []).flatMap((scheme) => Object.keys(scheme));
  const changes = method !== 'get';
  const takesJson = changes && !address.startsWith('/webhooks/');
  const keyed = (operation.parameters ?? []).some((one) => 'name' in one && one.name === 'idempotency-key');
  const codes: (readonly FailureCode[])[] = [
    ['invalid-request', 'dependency-unavailable'],
    takesJson ? ['malformed-json', 'unsupported-media-type'] : [],
    changes ? ['body-too-large'] : [],
    keyed ? ['idempotency-key-missing', 'idempotency-key-reused'] : [],
    schemes.includes('playerSession')
      ? ['not-authenticated', 'session-expired', 'player-blocked', 'forbidden']
      : [],
    schemes.includes('operatorSession') ? ['not-authenticated', 'session-expired'] : [],
    // Reads of the back office take turns.
    !changes && address.startsWith('/admin/v1/') ? ['overloaded'] : [],
  ];
  return codes.flat();
}

function merge(
  responses: Record<string, Response | { readonly $ref: string }>,
  codes: readonly FailureCode[],
) {
  const merged = { ...responses };
  for (const code of codes) {
    const status = String(statusOf(code));
    const known = merged[status];
    if (known === undefined) merged[status] = { description: code, content: problemContent };
    else if ('description' in known && !known.description.split(', ').includes(code))
      merged[status] = { ...known, description: `${known.description}, ${code}` };
  }
  return merged;
}

const problemContent = {
  'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
};
