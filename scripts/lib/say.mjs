/** What the commands say to the person who ran them. stdout stays free for what they asked for. */

/** An end that needs no stack trace: one line says what is wrong and what to do. */
export class Stop extends Error {}

export function say(line) {
  process.stderr.write(`halley: ${line}\n`);
}

/** Runs a command's steps; a `Stop` becomes its line and exit code 1. */
export async function main(steps) {
  try {
    await steps();
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}
