/** Plants a breach for every tidy check into a copy of the tree: a check that cannot fail is worth nothing. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { moduleNames } from '#domain/modules.ts';
import { readTree } from './tidy/file-tree.ts';
import { meaningChecks } from './tidy/meaning-checks.ts';
import { structureChecks } from './tidy/structure-checks.ts';

type Plant = {
  readonly check: string;
  readonly plant: Record<string, string | null>;
  readonly caughtAt: string;
};

/** With every page there, so that the one a plant takes away is the only one missing. */
const real = new Map([
  ...moduleNames.map((name) => [`docs/modules/${name}.md`, `# ${name}\n`] as const),
  ...readTree(fileURLToPath(new URL('../', import.meta.url))),
]);
const checks = [...structureChecks, ...meaningChecks];
const head = '/** A planted file that says what it is. */\n';

/** A workflow that keeps every rule, so that each breach below differs from it in one thing only. */
const goodWorkflow = {
  'workflows/planted.ts': `${head}export async function planted(): Promise<void> {}\n`,
  'workflows/planted.contract.ts': `${head}export const plantedWorkflowId = (id: string) => \`planted:\${id}\`;\n`,
  'workflows/all.ts': `${real.get('workflows/all.ts') ?? ''}export { planted } from './planted.ts';\n`,
  'test/replay/histories/planted.done.json': '{}\n',
};

const union = real.get('domain/events.schema.ts') ?? '';
const events = (name: string) =>
  `${head}export const biEvents = {\n  '${name}': z.strictObject({}),\n} as const;\n`;
const withBi = { 'domain/events.schema.ts': `${union}import './bi/events.schema.ts';\n` };

const plants: readonly Plant[] = [
  {
    check: 'module folders are the fourteen modules',
    plant: { 'domain/payment/fees.ts': head },
    caughtAt: 'domain/payment/fees.ts',
  },
  {
    check: 'module folders are the fourteen modules',
    plant: { 'activities/rules/x.ts': head },
    caughtAt: 'activities/rules/x.ts',
  },
  { check: 'files are named by concept', plant: { 'api/utils.ts': head }, caughtAt: 'api/utils.ts' },
  {
    check: 'files are named by concept',
    plant: { 'web/player/money-helpers.tsx': head },
    caughtAt: 'web/player/money-helpers.tsx',
  },
  {
    check: 'files are named by concept',
    plant: { 'domain/wallet/index.ts': head },
    caughtAt: 'domain/wallet/index.ts',
  },
  {
    check: 'files are named by concept',
    plant: { 'domain/wallet/events_2.ts': head },
    caughtAt: 'domain/wallet/events_2.ts',
  },
  {
    check: 'no barrels but the bundler entry',
    plant: { 'domain/all-money.ts': `${head}export { a } from './a.ts';\nexport * from './b.ts';\n` },
    caughtAt: 'domain/all-money.ts',
  },
  {
    check: 'relative imports stay in their layer',
    plant: { 'api/planted.ts': `${head}import { x } from '../db/connect.ts';\n` },
    caughtAt: 'api/planted.ts',
  },
  {
    check: 'relative imports stay in their layer',
    plant: { 'api/kyc/planted.ts': `${head}const x = await import('../../db/connect.ts');\n` },
    caughtAt: 'api/kyc/planted.ts',
  },
  {
    check: 'activities of one module leave those of another alone',
    plant: { 'activities/crm/planted.ts': `${head}import { x } from '../payments/routes.ts';\n` },
    caughtAt: 'activities/crm/planted.ts',
  },
  {
    check: 'activities of one module leave those of another alone',
    plant: {
      'activities/crm/commands/planted.ts': `${head}import { x } from '#activities/kyc/vendor.ts';\n`,
    },
    caughtAt: 'activities/crm/commands/planted.ts',
  },
  {
    check: 'files begin by saying what they are',
    plant: { 'domain/planted.ts': 'export const silent = 1;\n' },
    caughtAt: 'domain/planted.ts',
  },
  {
    check: 'files begin by saying what they are',
    plant: { 'domain/planted.ts': '/** Money. */\nexport const terse = 1;\n' },
    caughtAt: 'domain/planted.ts',
  },
  {
    check: 'no open task without an issue',
    plant: { 'domain/planted.ts': `${head}// TODO make it right\n` },
    caughtAt: 'domain/planted.ts',
  },
  {
    check: 'migrations are numbered without gaps',
    plant: { 'db/migrations/0999-late.sql': 'select 1;' },
    caughtAt: 'db/migrations/0999-late.sql',
  },
  {
    check: 'migrations are numbered without gaps',
    plant: { 'db/migrations/0001-again.sql': 'select 1;' },
    caughtAt: 'db/migrations/0001-foundation.sql',
  },
  {
    check: 'every module has its page',
    plant: { 'docs/modules/pam.md': null },
    caughtAt: 'docs/modules/pam.md',
  },
  {
    check: 'every module has its page',
    plant: { 'docs/modules/loyalty.md': '# Loyalty\n' },
    caughtAt: 'docs/modules/loyalty.md',
  },
  {
    check: 'no paths or hosts of one machine',
    plant: { 'docs/planted.md': 'see /home/alice/pitboss/x.ts\n' },
    caughtAt: 'docs/planted.md',
  },
  {
    check: 'no paths or hosts of one machine',
    plant: { 'package-lock.json': '{ "resolved": "https://npm.corp.example/x.tgz" }' },
    caughtAt: 'package-lock.json',
  },
  {
    check: 'every workflow is exported to the bundler',
    plant: { ...goodWorkflow, 'workflows/all.ts': head },
    caughtAt: 'workflows/planted.ts',
  },
  {
    check: 'every workflow is exported to the bundler',
    plant: { ...goodWorkflow, 'workflows/all.ts': `${head}export { planted, other } from './planted.ts';\n` },
    caughtAt: 'workflows/all.ts',
  },
  {
    check: 'every workflow has a contract, and every contract a workflow',
    plant: { ...goodWorkflow, 'workflows/planted.contract.ts': null },
    caughtAt: 'workflows/planted.ts',
  },
  {
    check: 'every workflow has a contract, and every contract a workflow',
    plant: {
      ...goodWorkflow,
      'workflows/planted.ts': `${head}export async function plant(): Promise<void> {}\n`,
    },
    caughtAt: 'workflows/planted.contract.ts',
  },
  {
    check: 'workflow ids begin with the name of their contract',
    plant: {
      ...goodWorkflow,
      'workflows/planted.contract.ts': `${head}export const plantedWorkflowId = (id: string) => \`plant:\${id}\`;\n`,
    },
    caughtAt: 'workflows/planted.contract.ts',
  },
  {
    check: 'workflow ids begin with the name of their contract',
    plant: { ...goodWorkflow, 'workflows/planted.contract.ts': head },
    caughtAt: 'workflows/planted.contract.ts',
  },
  {
    check: 'every workflow has a recorded history',
    plant: { ...goodWorkflow, 'test/replay/histories/planted.done.json': null },
    caughtAt: 'workflows/planted.ts',
  },
  {
    check: 'every workflow has a recorded history',
    plant: { 'test/replay/histories/nobody.done.json': '{}' },
    caughtAt: 'test/replay/histories/nobody.done.json',
  },
  {
    check: 'modules of workflows and rules keep nothing between two runs',
    plant: { 'workflows/planted-count.ts': `${head}let runs = 0;\nexport const next = () => (runs += 1);\n` },
    caughtAt: 'workflows/planted-count.ts',
  },
  {
    check: 'modules of workflows and rules keep nothing between two runs',
    plant: { 'domain/wallet/planted.ts': `${head}export const seen = new Set<string>();\n` },
    caughtAt: 'domain/wallet/planted.ts',
  },
  {
    check: 'modules of workflows and rules keep nothing between two runs',
    plant: {
      'domain/wallet/planted.ts': `${head}const seen: Map<string, number> = new Map();\nexport { seen };\n`,
    },
    caughtAt: 'domain/wallet/planted.ts',
  },
  {
    check: 'only activities/wallet writes the ledger',
    plant: { 'activities/bonus/planted.ts': `${head}sql\`INSERT INTO wallet.journal (id) values (1)\`;\n` },
    caughtAt: 'activities/bonus/planted.ts',
  },
  {
    check: 'only activities/wallet writes the ledger',
    plant: { 'api/planted.ts': `${head}await db.updateTable('wallet.playerWallet').execute();\n` },
    caughtAt: 'api/planted.ts',
  },
  {
    check: 'only activities/wallet writes the ledger',
    plant: { 'workers/planted.ts': `${head}await pool.query('delete from "wallet"."entry"');\n` },
    caughtAt: 'workers/planted.ts',
  },
  {
    check: 'only workers/config.ts reads the environment',
    plant: { 'api/planted.ts': `${head}const port = process.env['PORT'];\n` },
    caughtAt: 'api/planted.ts',
  },
  {
    check: 'only workers/config.ts reads the environment',
    plant: { 'activities/kyc/planted.ts': `${head}const { env } = process;\n` },
    caughtAt: 'activities/kyc/planted.ts',
  },
  {
    check: 'events are <module>.<noun>.<past verb> of their own module',
    plant: { ...withBi, 'domain/bi/events.schema.ts': events('wallet.report.made') },
    caughtAt: 'domain/bi/events.schema.ts',
  },
  {
    check: 'events are <module>.<noun>.<past verb> of their own module',
    plant: { ...withBi, 'domain/bi/events.schema.ts': events('bi.report.make') },
    caughtAt: 'domain/bi/events.schema.ts',
  },
  {
    check: 'events are <module>.<noun>.<past verb> of their own module',
    plant: { 'domain/events.schema.ts': head, 'domain/bi/events.schema.ts': events('bi.report.made') },
    caughtAt: 'domain/bi/events.schema.ts',
  },
  {
    check: 'the domain has no clock',
    plant: { 'domain/planted.ts': `${head}export const now = () => new Date();\n` },
    caughtAt: 'domain/planted.ts',
  },
];

test('a breach is planted for every check', () => {
  const planted = new Set(plants.map((plant) => plant.check));
  expect(checks.map((check) => check.name).filter((name) => !planted.has(name))).toEqual([]);
});

test.each(plants)('"$check" sees $caughtAt', ({ check, plant, caughtAt }) => {
  const tree = new Map(real);
  for (const [path, text] of Object.entries(plant)) {
    if (text === null) tree.delete(path);
    else tree.set(path, text);
  }
  const { find } = checks.find(({ name }) => name === check) ?? { find: () => [] };
  const before = new Set(find(real).map(({ path, says }) => `${path} ${says}`));
  const found = find(tree).filter(({ path, says }) => !before.has(`${path} ${says}`));
  expect(found.map(({ path }) => path)).toContain(caughtAt);
});

test('a workflow that keeps every rule is let pass', () => {
  const tree = new Map([...real, ...Object.entries(goodWorkflow)]);
  expect(
    meaningChecks.flatMap(({ find }) => find(tree)).filter(({ path }) => path.includes('planted')),
  ).toEqual([]);
});
