/** How long a security code is there: once, for minutes, and never again after it was taken. */
import { expect, test } from 'vitest';
import { createCvcMemory, cvcLifetimeMs } from './cvc-memory.ts';

function memoryAt() {
  const clock = { nowMs: 1_000 };
  return { clock, memory: createCvcMemory(() => clock.nowMs) };
}

test('a code is handed out once', () => {
  const { memory } = memoryAt();
  memory.keep('a', '123');
  expect(memory.take('a')?.cvc).toBe('123');
  expect(memory.take('a')).toBeNull();
  expect(memory.size()).toBe(0);
});

test('a code that nobody took ends by itself, and one that was given back ends when it would have', () => {
  const { clock, memory } = memoryAt();
  memory.keep('a', '123');
  memory.keep('b', '456');
  clock.nowMs += cvcLifetimeMs - 1;
  const taken = memory.take('a');
  expect(taken).not.toBeNull();
  memory.giveBack('a', taken!);
  expect(memory.size()).toBe(2);
  clock.nowMs += 1;
  expect(memory.size()).toBe(0);
  memory.giveBack('a', taken!);
  expect(memory.take('a')).toBeNull();
});

test('what is given back does not replace a newer code', () => {
  const { memory } = memoryAt();
  memory.keep('a', '123');
  const old = memory.take('a')!;
  memory.keep('a', '789');
  memory.giveBack('a', old);
  expect(memory.take('a')?.cvc).toBe('789');
});

test('more codes than fit push out the oldest', () => {
  const { memory } = memoryAt();
  for (let number = 0; number <= 10_000; number += 1) memory.keep(`t${number}`, '123');
  expect(memory.size()).toBe(10_000);
  expect(memory.take('t0')).toBeNull();
  expect(memory.take('t10000')?.cvc).toBe('123');
});
