/** The operations of the OpenAPI document with a plausible request for each, so that tests of bad input follow the routes by themselves. */
import { randomUUID } from 'node:crypto';

export type JsonSchema = {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly example?: unknown;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly additionalProperties?: boolean | JsonSchema;
};

type Parameter = {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly schema: JsonSchema;
};

type DocumentedOperation = {
  readonly operationId: string;
  readonly security?: readonly Readonly<Record<string, unknown>>[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: object }>>;
};

export type OpenApiDocument = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
};

export type Operation = {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly guard: 'player' | 'operator' | 'none';
  readonly parameters: readonly Parameter[];
  readonly body: JsonSchema | null;
  readonly responses: DocumentedOperation['responses'];
};

/** Members of a JSON body by their path of keys, with the schema of each. */
export type Field = {
  readonly path: readonly string[];
  readonly schema: JsonSchema;
  readonly required: boolean;
};

export function operationsOf(document: OpenApiDocument): readonly Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      id: operation.operationId,
      method: method.toUpperCase(),
      path,
      guard: guardOf(operation),
      parameters: (operation.parameters ?? []).map((parameter) => ({
        ...parameter,
        schema: resolve(document, parameter.schema),
      })),
      body: bodyOf(document, operation),
      responses: operation.responses,
    })),
  );
}

function guardOf(operation: DocumentedOperation): Operation['guard'] {
  const schemes = (operation.security ?? []).flatMap((one) => Object.keys(one));
  if (schemes.includes('playerSession')) return 'player';
  return schemes.includes('operatorSession') ? 'operator' : 'none';
}

function bodyOf(document: OpenApiDocument, operation: DocumentedOperation): JsonSchema | null {
  const schema = operation.requestBody?.content['application/json']?.schema;
  return schema === undefined ? null : resolve(document, schema);
}

/** The schema with every reference inside replaced by what it names; our schemas do not nest themselves. */
export function resolve(document: OpenApiDocument, schema: JsonSchema): JsonSchema {
  const { $ref, properties, items, anyOf, oneOf, allOf, additionalProperties: others, ...own } = schema;
  if ($ref !== undefined)
    return resolve(document, document.components.schemas[$ref.split('/').at(-1) ?? ''] ?? {});
  const inner = (one: JsonSchema) => resolve(document, one);
  return {
    ...own,
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([key, one]) => [key, inner(one)])),
    }),
    ...(items && { items: inner(items) }),
    ...(anyOf && { anyOf: anyOf.map(inner) }),
    ...(oneOf && { oneOf: oneOf.map(inner) }),
    ...(allOf && { allOf: allOf.map(inner) }),
    ...(others !== undefined && {
      additionalProperties: typeof others === 'boolean' ? others : inner(others),
    }),
  };
}

/** A value that fits the schema, as far as the schema tells. */
export function sampleOf(schema: JsonSchema): unknown {
  if (schema.example !== undefined) return schema.example;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  const choice = schema.anyOf?.[0] ?? schema.oneOf?.[0];
  if (choice) return sampleOf(choice);
  switch (schema.type) {
    case 'object':
      return Object.fromEntries(
        (schema.required ?? []).map((key) => [key, sampleOf(schema.properties?.[key] ?? {})]),
      );
    case 'array':
      return schema.items ? [sampleOf(schema.items)] : [];
    case 'integer':
    case 'number':
      return Math.max(1, schema.minimum ?? 1);
    case 'boolean':
      return true;
    default:
      return textOf(schema);
  }
}

function textOf(schema: JsonSchema): string {
  if (schema.format === 'uuid') return randomUUID();
  if (schema.format === 'date') return '2026-01-31';
  if (schema.format === 'date-time') return '2099-01-31T00:00:00Z';
  if (schema.format === 'email') return 'nobody@example.org';
  if (schema.format === 'uri') return 'https://example.org/';
  return 'a text of some length'.slice(0, schema.maxLength ?? 99);
}

/** Every member of an object schema, also of the objects inside; arrays count as one member. */
export function fieldsOf(schema: JsonSchema, path: readonly string[] = []): readonly Field[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => [
    { path: [...path, key], schema: inner, required: schema.required?.includes(key) ?? false },
    ...fieldsOf(inner, [...path, key]),
  ]);
}

export const isMoney = (schema: JsonSchema): boolean =>
  schema.properties?.['amount'] !== undefined && schema.properties['asset'] !== undefined;

/** A copy of `body` with the member at `path` set, or removed for undefined. */
export function withMember(body: unknown, path: readonly string[], value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  const { [key]: inner, ...others }: Record<string, unknown> =
    typeof body === 'object' && body !== null ? { ...body } : {};
  const changed = withMember(inner, rest, value);
  return changed === undefined ? others : { ...others, [key]: changed };
}

/** The address with path parameters filled in; `given` replaces the samples. */
export function addressOf(operation: Operation, given: Readonly<Record<string, string>> = {}): string {
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const parameter = operation.parameters.find((one) => one.in === 'path' && one.name === name);
    return given[name] ?? encodeURIComponent(String(sampleOf(parameter?.schema ?? {})));
  });
  const query = operation.parameters.filter((one) => one.in === 'query' && one.required);
  const text = new URLSearchParams(
    Object.fromEntries(query.map((one) => [one.name, String(sampleOf(one.schema))])),
  ).toString();
  return text === '' ? path : `${path}?${text}`;
}
