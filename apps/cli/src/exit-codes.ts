/** Exit codes after sysexits.h, so that a service manager can tell a wrong setting from a crash. */
export const EXIT = {
  ok: 0,
  usage: 64,
  /** Wrong settings: a restart would end the same way. The apps end with it as well. */
  config: 78,
  /** 128 + SIGINT, as a shell has it. */
  interrupted: 130,
} as const;
