/** Proves the linter's half of the house rules: the real oxlint, with the real configuration, on planted breaches. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

type Finding = {
  readonly code: string;
  readonly message: string;
  readonly help: string;
  readonly filename: string;
};
type Plant = {
  readonly breach: string;
  readonly path: string;
  readonly code: string;
  readonly rule: string;
  readonly says?: string;
};

const project = fileURLToPath(new URL('../', import.meta.url));

/** Named one by one, because node_modules is a link here and would be walked into. */
const layers = [
  'domain',
  'workflows',
  'activities',
  'api',
  'analytics',
  'db',
  'sandbox',
  'vault',
  'workers',
  'platform',
  'bench',
  'web',
];

/** What the planted files import; exists so that types resolve. */
const scenery: Record<string, string> = {
  'domain/words.ts': 'export const word = 1;\n',
  'domain/facts.schema.ts':
    "import { z } from 'zod';\nexport const fact = z.string();\nexport type Fact = z.infer<typeof fact>;\n",
  'db/connect.ts':
    'export type Database = { rows: number };\nexport const open = (): Database => ({ rows: 0 });\n',
  'activities/wallet/post.ts': 'export const post = 1;\n',
  'activities/payments/commands/cancel.ts': 'export const cancel = 1;\n',
  'activities/payments/capture.ts':
    'export const createCaptureActivities = () => ({ captureDeposit: async (): Promise<void> => {} });\n',
  'workflows/deposit.contract.ts': 'export const depositWorkflowId = 1;\n',
  'workflows/deposit.ts': 'export async function deposit(): Promise<void> {}\n',
  'workers/config.ts':
    'export type Config = { port: number };\nexport const load = (): Config => ({ port: 1 });\n',
  'analytics/queries/kpi.ts': 'export const kpi = 1;\n',
  'analytics/load-events.ts': 'export const loadEvents = 1;\n',
  'api/app.ts': 'export const app = 1;\n',
  'platform/ports.ts': 'export const ports = 1;\n',
  'sandbox/psp/main.ts': 'export const psp = 1;\n',
  'vault/app.ts': 'export const vault = 1;\n',
  'workers/queues.ts': 'export const queues = 1;\n',
  'test/support/ports.ts': 'export const freePort = 1;\n',
};

const restricted = 'no-restricted-imports';
const edge = (path: string, specifier: string, says: string): Plant => ({
  breach: `${path.split('/')[0]} imports ${specifier}`,
  path,
  code: `import * as found from '${specifier}';\nexport const seen = found;\n`,
  rule: restricted,
  says,
});

const edges: readonly Plant[] = [
  ...[
    '#db/connect.ts',
    '#activities/wallet/post.ts',
    '#workflows/deposit.contract.ts',
    '#api/app.ts',
    '#workers/config.ts',
    'node:fs',
    'pg',
    '@temporalio/common',
  ].map((specifier, index) => edge(`domain/edge-${index}.ts`, specifier, 'The domain is pure')),
  edge('domain/edge-zod.ts', 'zod', 'zod only in *.schema.ts'),
  edge('domain/edge.schema.ts', 'node:crypto', 'The domain is pure'),
  edge('workflows/edge-activity.ts', '#activities/payments/capture.ts', 'only by type'),
  edge('workflows/edge-schema.ts', '#domain/facts.schema.ts', 'only by type'),
  ...[
    '#db/connect.ts',
    '#api/app.ts',
    '#workers/config.ts',
    '#analytics/queries/kpi.ts',
    'node:fs',
    'zod',
    'pg',
    'kysely',
    '@temporalio/client',
    '@temporalio/worker',
    '@temporalio/activity',
  ].map((specifier, index) => edge(`workflows/edge-${index}.ts`, specifier, 'deterministic')),
  ...[
    '#workflows/deposit.ts',
    '#api/app.ts',
    '#workers/config.ts',
    '#sandbox/psp/main.ts',
    '#platform/ports.ts',
    '#test/support/ports.ts',
  ].map((specifier, index) => edge(`activities/payments/edge-${index}.ts`, specifier, 'ActivityDeps')),
  edge('activities/payments/edge-sandboxed.ts', '@temporalio/workflow', 'outside the workflow sandbox'),
  edge('activities/payments/edge-http.ts', 'hono', 'HTTP belongs to api/'),
  edge('api/edge-activity.ts', '#activities/payments/capture.ts', 'direct commands'),
  edge('api/edge-workflow.ts', '#workflows/deposit.ts', 'by contract'),
  edge('api/edge-analytics.ts', '#analytics/load-events.ts', 'analytics/queries'),
  edge('api/edge-workers.ts', '#workers/config.ts', 'api/main.ts'),
  edge('api/edge-sandbox.ts', '#sandbox/psp/main.ts', 'stand-ins'),
  edge('api/edge-temporal.ts', '@temporalio/worker', 'client of Temporal'),
  edge('api/main.ts', '#platform/ports.ts', 'start-up'),
  ...['#workflows/deposit.ts', '#activities/payments/capture.ts', '#api/app.ts', '#platform/ports.ts'].map(
    (specifier, index) => edge(`analytics/edge-${index}.ts`, specifier, 'Analytics imports'),
  ),
  edge('analytics/server.ts', '#api/app.ts', 'entry points also read'),
  edge('analytics/edge-config.ts', '#workers/config.ts', 'given its configuration'),
  edge('db/edge.ts', '#activities/wallet/post.ts', 'below every other layer'),
  ...['#api/app.ts', '#db/connect.ts', '#workers/config.ts', '#activities/wallet/post.ts'].map(
    (specifier, index) => edge(`sandbox/kyc-vendor/edge-${index}.ts`, specifier, 'shares no code'),
  ),
  edge('sandbox/kyc-vendor/edge-words.ts', '#domain/words.ts', 'neutral words'),
  ...['#domain/words.ts', '#activities/wallet/post.ts', '#api/app.ts', '#platform/ports.ts'].map(
    (specifier, index) => edge(`vault/edge-${index}.ts`, specifier, 'stands alone'),
  ),
  edge('vault/edge-workers.ts', '#workers/queues.ts', 'the named few'),
  edge('activities/payments/edge-vault.ts', '#vault/app.ts', 'ActivityDeps'),
  edge('workers/edge-vault.ts', '#vault/app.ts', 'neither stand-ins'),
  edge('workers/edge.ts', '#sandbox/psp/main.ts', 'stand-ins'),
  edge('platform/edge.ts', '#test/support/ports.ts', 'does not depend on tests'),
  edge('bench/edge.ts', '#test/support/ports.ts', 'does not depend on tests'),
  edge('web/player/edge.ts', '../../domain/words.ts', 'generated API types'),
];

const proxied =
  "import { proxyActivities } from '@temporalio/workflow';\n" +
  "import type { createCaptureActivities } from '#activities/payments/capture.ts';\n" +
  "const { captureDeposit } = proxyActivities<ReturnType<typeof createCaptureActivities>>({ startToCloseTimeout: '1 s' });\n";

const slips: readonly Plant[] = [
  {
    breach: 'a proxied activity is called and not awaited',
    path: 'workflows/slip-floating.ts',
    code: `${proxied}export async function slip(): Promise<void> {\n  captureDeposit();\n}\n`,
    rule: 'no-floating-promises',
  },
  {
    breach: 'a floating call is hidden behind void',
    path: 'workflows/slip-void.ts',
    code: `${proxied}export async function slip(): Promise<void> {\n  void captureDeposit();\n}\n`,
    rule: 'no-floating-promises',
  },
  {
    breach: 'an update validator is asynchronous',
    path: 'workflows/slip-validator.ts',
    code:
      "import { defineUpdate, setHandler } from '@temporalio/workflow';\n" +
      "const confirm = defineUpdate<void, [string]>('confirm');\n" +
      'export async function slip(): Promise<void> {\n' +
      '  setHandler(confirm, () => {}, { validator: async (name) => {\n    if (name === "") throw new Error("no");\n  } });\n}\n',
    rule: 'no-misused-promises',
  },
  {
    breach: 'a switch forgets a case',
    path: 'domain/slip-switch.ts',
    code: "export function slip(kind: 'a' | 'b'): number {\n  switch (kind) {\n    case 'a':\n      return 1;\n  }\n  return 0;\n}\n",
    rule: 'switch-exhaustiveness-check',
  },
  {
    breach: 'something is printed with console',
    path: 'api/slip-console.ts',
    code: "console.log('here');\nexport const seen = 1;\n",
    rule: 'no-console',
  },
  {
    breach: 'a type is imported as a value',
    path: 'activities/payments/slip-type.ts',
    code: "import { Database } from '#db/connect.ts';\nexport type Seen = Database;\n",
    rule: 'consistent-type-imports',
  },
  {
    breach: 'two files import each other',
    path: 'domain/slip-cycle-a.ts',
    code: "import { b } from './slip-cycle-b.ts';\nexport const a = (): number => b();\n",
    rule: 'no-cycle',
  },
  {
    breach: 'two files import each other, seen from the other',
    path: 'domain/slip-cycle-b.ts',
    code: "import { a } from './slip-cycle-a.ts';\nexport const b = (): number => a();\n",
    rule: 'no-cycle',
  },
  {
    breach: 'any is used',
    path: 'domain/slip-any.ts',
    code: 'export const slip = (value: any): string => String(value);\n',
    rule: 'no-explicit-any',
  },
  {
    breach: 'the domain draws lots',
    path: 'domain/slip-random.ts',
    code: 'export const slip = (): number => Math.random();\n',
    rule: 'no-restricted-properties',
  },
  {
    breach: 'the domain looks at the clock',
    path: 'domain/slip-clock.ts',
    code: 'export const slip = (): number => Date.now();\n',
    rule: 'no-restricted-properties',
  },
  {
    breach: 'the domain reads the environment',
    path: 'domain/slip-process.ts',
    code: "export const slip = process.env['HOME'];\n",
    rule: 'no-restricted-globals',
  },
  {
    breach: 'a default export',
    path: 'api/slip-default.ts',
    code: 'export default 1;\n',
    rule: 'no-default-export',
  },
  {
    breach: 'something that is no error is thrown',
    path: 'api/slip-throw.ts',
    code: "export function slip(): never {\n  throw 'no';\n}\n",
    rule: 'only-throw-error',
  },
];

/** Right ways through the same doors; a rule that also refuses these would be switched off by somebody soon. */
const innocent: Record<string, string> = {
  'domain/fine.ts':
    "import { word } from '#domain/words.ts';\nimport type { Fact } from './facts.schema.ts';\nexport const fine = (fact: Fact): string => `${fact} ${word}`;\n",
  'domain/fine.schema.ts': "import { z } from 'zod';\nexport const fine = z.string();\n",
  'workflows/fine.ts': `${proxied}import type { Fact } from '#domain/facts.schema.ts';\nimport { word } from '#domain/words.ts';\nexport async function fine(fact: Fact): Promise<string> {\n  await captureDeposit();\n  return \`\${fact} \${word}\`;\n}\n`,
  'activities/payments/fine.ts':
    "import { post } from '../wallet/post.ts';\nimport type { Database } from '#db/connect.ts';\nexport const fine = (db: Database): number => db.rows + post;\n",
  'api/fine.ts':
    "import { post } from '#activities/wallet/post.ts';\nimport { cancel } from '#activities/payments/commands/cancel.ts';\nimport { depositWorkflowId } from '#workflows/deposit.contract.ts';\nimport type { deposit } from '#workflows/deposit.ts';\nimport type { Config } from '#workers/config.ts';\nimport { kpi } from '#analytics/queries/kpi.ts';\nexport type Started = typeof deposit;\nexport const fine = (config: Config): number => config.port + post + cancel + depositWorkflowId + kpi;\n",
  'analytics/migrate.ts': "import { load } from '#workers/config.ts';\nexport const fine = load;\n",
  'workers/fine.ts': "import { app } from '#api/app.ts';\nexport const fine = app;\n",
};

describe('the linter', () => {
  let folder: string;
  let findings: readonly Finding[];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'pitboss-lint-'));
    for (const name of ['.oxlintrc.json', 'package.json']) cpSync(join(project, name), join(folder, name));
    cpSync(join(project, 'tsconfig.json'), join(folder, 'tsconfig.json'));
    symlinkSync(join(project, 'node_modules'), join(folder, 'node_modules'));
    const planted = Object.fromEntries([...edges, ...slips].map((plant) => [plant.path, plant.code]));
    for (const [path, code] of Object.entries({ ...scenery, ...planted, ...innocent })) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), code);
    }
    findings = runOxlint(folder);
  }, 60_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each([...edges, ...slips])('says so when $breach', (plant) => {
    const here = findings.filter((finding) => finding.filename === plant.path);
    const caught = here.filter(
      (finding) =>
        finding.code.includes(`(${plant.rule})`) &&
        `${finding.message} ${finding.help}`.includes(plant.says ?? ''),
    );
    expect(caught, `found in ${plant.path}: ${JSON.stringify(here)}`).not.toEqual([]);
  });

  test.each(Object.keys(innocent))('lets %s pass', (path) => {
    expect(findings.filter((finding) => finding.filename === path)).toEqual([]);
  });
});

/** Exits with 1 when it finds anything, which is what is wanted here; the answer is on stdout either way. */
function runOxlint(cwd: string): readonly Finding[] {
  const command = join(project, 'node_modules', '.bin', 'oxlint');
  try {
    execFileSync(command, ['--format', 'json', ...layers], {
      cwd,
      encoding: 'utf8',
      stdio: 'pipe',
      maxBuffer: 64 * 1024 * 1024,
    });
    return [];
  } catch (error) {
    const stdout = error instanceof Error && 'stdout' in error ? String(error.stdout) : '';
    if (stdout === '') throw error;
    const { diagnostics } = JSON.parse(stdout) as { diagnostics: Finding[] };
    return diagnostics.map((finding) => ({ ...finding, help: finding.help ?? '' }));
  }
}
