/** Which URL parameters reach the embedded engine as settings, and which are answered here or passed over. */
import { RefusedQuery } from './sql-tokens.ts';

export interface RequestSettings {
  readonly database: string;
  readonly defaultFormat: string;
  readonly queryId: string | undefined;
  readonly query: string;
  readonly compressResponse: boolean;
  readonly parameters: ReadonlyMap<string, string>;
  /** Statements that prepare a session of the engine: settings first, then bound parameters. */
  readonly preparation: readonly string[];
}

/**
 * `default` is special to the library: names in it are looked up as files. This one stands in for it, and
 * is a database like any other.
 */
export const plainDatabase = 'main';

const answeredHere = new Set([
  'query',
  'database',
  'default_format',
  'query_id',
  'enable_http_compression',
  'user',
  'password',
]);
/** Sent by common clients; without meaning for one engine inside one process. */
const passedOver =
  /^(?:session_id|session_timeout|session_check|wait_end_of_query|buffer_size|role|quota_key|compress|decompress|client_protocol_version|send_progress_in_http_headers|http_headers_progress_interval_ms|cancel_http_readonly_queries_on_client_close|http_\w+|log_\w+|readonly|allow_ddl)$/;
const acceptedSetting =
  /^(?:insert_\w+|async_insert\w*|wait_for_async_insert\w*|deduplicate_blocks_in_dependent_materialized_views|max_\w+|min_\w+|(?:result|read|group_by|sort|timeout|set|distinct|join|transfer)_overflow_mode\w*|output_format_\w+|input_format_\w+|format_csv_\w+|format_tsv_\w+|date_time_\w+|join_\w+|optimize_\w+|allow_experimental_\w+|allow_suspicious_\w+|enable_\w+|use_\w+|final|extremes|totals_mode|group_by_\w+|prefer_\w+|mutations_sync|alter_sync|session_timezone|materialized_views_\w+|parallel_view_processing|fsync_\w+|select_\w+|cast_\w+|data_type_default_nullable|union_default_mode|limit|offset|priority|any_join_\w+)$/;

export function readSettings(url: URL): RequestSettings {
  const { searchParams } = url;
  const settings: string[] = ['max_execution_time=60'];
  const parameters = new Map<string, string>();
  for (const [name, value] of searchParams) {
    if (name.startsWith('param_'))
      parameters.set(plainName(name.slice('param_'.length), 'parameter name'), value);
    else if (answeredHere.has(name) || passedOver.test(name)) continue;
    else if (acceptedSetting.test(name)) settings.push(`${name}=${literal(value)}`);
    else
      throw new RefusedQuery(
        452,
        'SETTING_CONSTRAINT_VIOLATION',
        `Setting ${name} is not offered by the embedded engine.`,
      );
  }
  const database = searchParams.get('database') ?? '';
  return {
    database: database === '' || database === 'default' ? plainDatabase : database,
    defaultFormat: plainName(searchParams.get('default_format') ?? 'TabSeparated', 'default_format'),
    queryId: searchParams.get('query_id') ?? undefined,
    query: searchParams.get('query') ?? '',
    compressResponse: searchParams.get('enable_http_compression') === '1',
    parameters,
    preparation: [`SET ${settings.join(', ')}`, ...[...parameters].map(bindParameter)],
  };
}

/** The value goes in as the client wrote it, in the escaping of the HTTP interface, which the engine undoes. */
function bindParameter([name, value]: [string, string]): string {
  return `SET param_${name}=${literal(value)}`;
}

function literal(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\0', '\\0')}'`;
}

function plainName(value: string, what: string): string {
  if (/^\w+$/.test(value)) return value;
  throw new RefusedQuery(36, 'BAD_ARGUMENTS', `The ${what} is not a plain name.`);
}
