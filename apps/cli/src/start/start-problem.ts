/** A start that cannot go on; each line says what is wrong and which setting to change. */
export class StartProblem extends Error {
  override readonly name = 'StartProblem';
  readonly lines: readonly string[];

  constructor(...lines: string[]) {
    super(lines.join('\n'));
    this.lines = lines;
  }
}
