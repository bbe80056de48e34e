/** What Prometheus is told of payments beside the counted attempts: breakers, fraud against sales, rules that cannot be read. */
import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import type { PspBreakers } from '#activities/payments/psp-breakers.ts';
import { countUnreadableRules, onUnreadableRule } from '#activities/payments/unreadable-rules.ts';
import { readFraudToSales } from '#api/payments/payment-health.ts';
import { rememberShortly } from '#activities/short-memory.ts';
import type { Database } from '#db/connect.ts';

const levels = { closed: 0, 'half-open': 1, open: 2 } as const;

/** Read when Prometheus asks, so that a breaker that nobody calls still shows how it stands. */
export function showBreakers(registry: Registry, breakers: Pick<PspBreakers, 'states'>): void {
  new Gauge({
    name: 'pitboss_psp_breaker_state',
    help: 'Of this process: 0 closed, 1 half-open (a probe is under way or due), 2 open (charges are held back).',
    labelNames: ['psp'],
    registers: [registry],
    collect() {
      for (const [psp, state] of breakers.states()) this.labels(psp).set(levels[state]);
    },
  });
}

/** A scrape every few seconds asks the database once a minute. */
const readShortly = rememberShortly(60_000, (db) => readFraudToSales(db, null));

/** For one process of a platform: figures of the whole platform, told more than once, would be summed. */
export function showFraudToSales(registry: Registry, db: Database): void {
  new Gauge({
    name: 'pitboss_psp_fraud_to_sales_ratio',
    help: 'Chargebacks and fraud reports of the running month against captured card deposits, per merchant id.',
    labelNames: ['psp'],
    registers: [registry],
    async collect() {
      const month = new Date().toISOString().slice(0, 7);
      const rows = await readShortly(db, '').catch(() => []);
      for (const row of rows) if (row.month === month) this.labels(row.psp).set((row.ratioBps ?? 0) / 10_000);
    },
  });
}

/** Of this process: its build may be older than what was published, or newer. Each rule is logged when it is first met. */
export function watchUnreadableRules(registry: Registry, log: Pick<Logger, 'error' | 'warn'>): void {
  onUnreadableRule((rule) => {
    if (rule.state === 'live') log.error(rule, 'a rule in force cannot be read');
    else log.warn(rule, 'a rule under trial cannot be read');
  });
  new Gauge({
    name: 'pitboss_unreadable_rules',
    help: 'Rules in force or under trial that this process cannot read; what stands in for them is in the documentation.',
    labelNames: ['rule_set', 'state'],
    registers: [registry],
    collect() {
      for (const { ruleSet, state, count } of countUnreadableRules()) this.labels(ruleSet, state).set(count);
    },
  });
}
