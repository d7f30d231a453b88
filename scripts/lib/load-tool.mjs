import { build } from './build.mjs';
import { ensureCompiler, ensurePackages, ensureRedisServer } from './install.mjs';
import { checkPlatform } from './platform.mjs';
import { main } from './say.mjs';

/** Builds what is stale and runs a program of loadtest/. @param program its compiled module */
export async function runLoadTool(program) {
  await main(async () => {
    checkPlatform();
    ensurePackages();
    ensureRedisServer();
    ensureCompiler();
    build();
    await import(new URL(`../../loadtest/dist/${program}`, import.meta.url));
  });
}
