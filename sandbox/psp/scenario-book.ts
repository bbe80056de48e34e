/** The scenario in force, kept in the database so that a restart does not change the weather. */
import type { StateStore } from '../support/state-store.ts';
import { behaviourName, type BehaviourName } from './behaviours.ts';
import { isConnectionMode, scenarioSchema, type Scenario } from './scenario.schema.ts';
import type { CardRow } from './tables.ts';

export function createScenarioBook(store: StateStore) {
  const stored = store.one<{ value: string }>('select value from setting where name = ?', 'scenario');
  let current: Scenario = scenarioSchema.parse(stored === undefined ? {} : JSON.parse(stored.value));

  function set(next: Scenario): void {
    current = next;
    store.run('insert or replace into setting (name, value) values (?, ?)', 'scenario', JSON.stringify(next));
  }

  /** A card's own override, used up if it counts. */
  function takeOverride(card: CardRow): BehaviourName | undefined {
    const key = [card.id, card.last4].find((candidate) => candidate in current.cards);
    const override = key === undefined ? undefined : current.cards[key];
    if (key === undefined || override === undefined) return undefined;
    if (override.times !== undefined) {
      const cards = { ...current.cards };
      if (override.times === 1) delete cards[key];
      else cards[key] = { ...override, times: override.times - 1 };
      set({ ...current, cards });
    }
    return override.behaviour;
  }

  return {
    current: () => current,
    set,
    paymentBehaviour(card: CardRow): BehaviourName {
      const override = takeOverride(card);
      if (override !== undefined) return override;
      const { mode } = current;
      return mode === 'normal' || isConnectionMode(mode) ? behaviourName.parse(card.behaviour) : mode;
    },
    payoutBehaviour(card: CardRow | undefined): BehaviourName {
      if (current.payoutMode !== 'normal') return current.payoutMode;
      return card === undefined ? 'success' : behaviourName.parse(card.behaviour);
    },
  };
}

export type ScenarioBook = ReturnType<typeof createScenarioBook>;
