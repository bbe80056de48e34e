import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkout } from './home.ts';
import { joinFiles, joinPrograms, programPath } from './joined-programs.ts';

describe('joined programs', () => {
  let files: ReadonlyMap<string, string>;

  beforeAll(async () => {
    files = await joinFiles();
  }, 60_000);

  it('are run in place of their sources once they are written', async () => {
    await joinPrograms();
    expect(programPath('api/main.ts')).toBe(join(checkout, 'dist/programs/api-main.mjs'));
    expect(existsSync(programPath('api/main.ts'))).toBe(true);
  }, 60_000);

  it('find what lies beside their sources', () => {
    const places = [...files.values()]
      .flatMap((code) => [...code.matchAll(/new URL\("(\.\.[^"]+)", import\.meta\.url\)/g)])
      .map(([, place]) => join(checkout, 'dist/programs', place ?? ''));
    expect(places).toContain(join(checkout, 'api/docs.ts'));
    expect(places.filter((place) => !existsSync(place))).toEqual([]);
  });

  it('leave the start of a module to the program that it is', () => {
    const asking = [...files].filter(([, code]) => code.includes('import.meta.main')).map(([name]) => name);
    expect(asking).toContain('api-main.mjs');
    expect(asking.filter((name) => name.startsWith('part-'))).toEqual([]);
  });
});
