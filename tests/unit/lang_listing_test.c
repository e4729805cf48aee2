/* What the code generator makes of each construct, instruction by instruction: what is folded,
 * joined and left out is seen here, and nowhere else, because a slower way would do the same. */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script_double.h"
#include "script_text.h"

typedef struct listing {
    const char *function; /* the first one, f */
    const char *code;     /* its registers and objects, and its instructions */
} listing;

/* Behind each stands a callback, Cb; before it a struct, P. */
static const listing numbers[] = {
    {"i32 f(i32 $a) { return $a + 1; }", "2 registers, 0 objects; ADD_WN r1 r0 1; RET_I r1"},
    {"i32 f(i32 $a) { return $a - 1; }", "2 registers, 0 objects; ADD_WN r1 r0 -1; RET_I r1"},
    {"i32 f(i32 $a) { return $a - (-32767); }",
     "2 registers, 0 objects; ADD_WN r1 r0 32767; RET_I r1"},
    {"i32 f(i32 $a) { return $a - (-32768); }",
     "3 registers, 0 objects; LOAD_I r2 -32768; SUB_W r1 r0 r2; RET_I r1"},
    {"i32 f(i32 $a) { return $a - 32768; }",
     "3 registers, 0 objects; LOAD_I r2 32768; SUB_W r1 r0 r2; RET_I r1"},
    {"i32 f(i32 $a) { return $a + 32767; }",
     "2 registers, 0 objects; ADD_WN r1 r0 32767; RET_I r1"},
    {"i32 f(i32 $a) { return $a + 32768; }",
     "3 registers, 0 objects; LOAD_I r2 32768; ADD_W r1 r0 r2; RET_I r1"},
    {"i32 f(i32 $a) { return $a + (-32769); }",
     "3 registers, 0 objects; LOAD_I r2 -32769; ADD_W r1 r0 r2; RET_I r1"},
    {"i32 f(i32 $a) { return $a * 3 & 7; }",
     "2 registers, 0 objects; MUL_WN r1 r0 3; AND_N r1 r1 7; RET_I r1"},
    {"i32 f(i32 $a) { return 1 + $a; }",
     "2 registers, 0 objects; LOAD_I r1 1; ADD_W r1 r1 r0; RET_I r1"},
    {"i32 f(i32 $a) { return $a / 2 % 3 | 4 ^ 5; }",
     "3 registers, 0 objects; LOAD_I r2 2; DIV_W r1 r0 r2; LOAD_I r2 3; MOD_W r1 r1 r2; "
     "LOAD_I r2 1; OR r1 r1 r2; RET_I r1"},
    {"i64 f(i64 $a) { return $a + 1 - 2 * $a; }",
     "3 registers, 0 objects; ADD_N r1 r0 1; LOAD_I r2 2; MUL r2 r2 r0; SUB r1 r1 r2; "
     "RET_I r1"},
    {"u8 f(u8 $a) { return $a + 1; }",
     "2 registers, 0 objects; ADD_N r1 r0 1; WRAP_U8 r1 r1; RET_I r1"},
    {"u8 f(u8 $a) { return $a & 15; }", "2 registers, 0 objects; AND_N r1 r0 15; RET_I r1"},
    {"u8 f(u8 $a, u8 $b) { return $a / $b; }", "3 registers, 0 objects; DIV r2 r0 r1; RET_I r2"},
    {"i8 f(i8 $a, i8 $b) { return $a / $b; }",
     "3 registers, 0 objects; DIV r2 r0 r1; WRAP_I8 r2 r2; RET_I r2"},
    {"i8 f(i8 $a, i8 $b) { return $a % $b; }", "3 registers, 0 objects; MOD r2 r0 r1; RET_I r2"},
    {"u16 f(u16 $a, u16 $b) { return $a | $b; }", "3 registers, 0 objects; OR r2 r0 r1; RET_I r2"},
    {"u32 f(u32 $a) { return $a << 3; }",
     "2 registers, 0 objects; SHL_N r1 r0 3; WRAP_U32 r1 r1; RET_I r1"},
    {"i32 f(i32 $a, i32 $b) { return $a << $b; }",
     "3 registers, 0 objects; SHIFT_CHECK r1 32; SHL r2 r0 r1; WRAP_I32 r2 r2; RET_I r2"},
    {"i32 f(i32 $a, i32 $b) { return $a >> $b; }",
     "3 registers, 0 objects; SHIFT_CHECK r1 32; SHR r2 r0 r1; RET_I r2"},
    {"u64 f(u64 $a, i32 $b) { return $a >> $b; }",
     "3 registers, 0 objects; SHIFT_CHECK r1 64; SHR_U r2 r0 r1; RET_I r2"},
    {"i64 f(i64 $a) { return $a >> 63; }", "2 registers, 0 objects; SHR_N r1 r0 63; RET_I r1"},
    {"i64 f(i64 $a) { return ~$a; }", "2 registers, 0 objects; COMPLEMENT r1 r0; RET_I r1"},
    {"u8 f(u8 $a) { return ~$a; }",
     "2 registers, 0 objects; COMPLEMENT r1 r0; WRAP_U8 r1 r1; RET_I r1"},
    {"i8 f(i8 $a) { return ~$a; }", "2 registers, 0 objects; COMPLEMENT r1 r0; RET_I r1"},
    {"i8 f(i8 $a) { return -$a; }", "2 registers, 0 objects; NEG r1 r0; WRAP_I8 r1 r1; RET_I r1"},
    {"i32 f(i64 $a) { return (i32)$a; }", "2 registers, 0 objects; WRAP_I32 r1 r0; RET_I r1"},
    {"i64 f(u8 $a) { return $a; }", "1 registers, 0 objects; RET_I r0"},
    {"u8 f(i8 $a) { return (u8)$a; }", "2 registers, 0 objects; WRAP_U8 r1 r0; RET_I r1"},
    {"i16 f(u8 $a) { return $a; }", "1 registers, 0 objects; RET_I r0"},
    {"u64 f(i32 $a) { return (u64)$a; }", "1 registers, 0 objects; RET_I r0"},
    {"u32 f(i32 $a) { return (u32)$a; }", "2 registers, 0 objects; WRAP_U32 r1 r0; RET_I r1"},
    {"double f(float $a) { return $a; }", "1 registers, 0 objects; RET_F r0"},
    {"float f(double $a) { return (float)$a; }", "2 registers, 0 objects; ROUND_F r1 r0; RET_F r1"},
    {"float f(i16 $a) { return $a; }", "2 registers, 0 objects; I_TO_FLOAT r1 r0; RET_F r1"},
    {"double f(u64 $a) { return $a; }", "2 registers, 0 objects; U_TO_F r1 r0; RET_F r1"},
    {"float f(u64 $a) { return (float)$a; }", "2 registers, 0 objects; U_TO_FLOAT r1 r0; RET_F r1"},
    {"i8 f(double $a) { return (i8)$a; }", "2 registers, 0 objects; F_TO_I r1 r0 i8; RET_I r1"},
    {"float f(float $a, float $b) { return $a + $b * 2; }",
     "5 registers, 0 objects; CONST_F r4 2; MUL_F r3 r1 r4; ROUND_F r3 r3; ADD_F r2 r0 "
     "r3; ROUND_F r2 r2; RET_F r2"},
    {"double f(double $a, double $b) { return -$a / $b - 1.5; }",
     "4 registers, 0 objects; NEG_F r2 r0; DIV_F r2 r2 r1; CONST_F r3 1.5; SUB_F r2 r2 "
     "r3; RET_F r2"},
};

static const listing conditions[] = {
    {"void f(i32 $a) { if ($a == 5) { $a = 1; } }",
     "1 registers, 0 objects; JUMP_NE_N r0 5 ->2; LOAD_I r0 1; RET"},
    {"void f(i32 $a) { if (5 != $a) { $a = 1; } }",
     "1 registers, 0 objects; JUMP_EQ_N r0 5 ->2; LOAD_I r0 1; RET"},
    {"void f(i32 $a) { if ($a < 5) { $a = 1; } else { $a = 2; } }",
     "1 registers, 0 objects; JUMP_GE_N r0 5 ->3; LOAD_I r0 1; JUMP ->4; LOAD_I r0 2; RET"},
    {"void f(i32 $a) { if ($a > 5) { $a = 1; } }",
     "1 registers, 0 objects; JUMP_LT_N r0 6 ->2; LOAD_I r0 1; RET"},
    {"void f(i32 $a) { if ($a <= 32766) { $a = 1; } }",
     "1 registers, 0 objects; JUMP_GE_N r0 32767 ->2; LOAD_I r0 1; RET"},
    {"void f(i32 $a) { if ($a <= 32767) { $a = 1; } }",
     "2 registers, 0 objects; LOAD_I r1 32767; JUMP_LT r1 r0 ->3; LOAD_I r0 1; RET"},
    {"void f(i32 $a) { if ($a > 32767) { $a = 1; } }",
     "2 registers, 0 objects; LOAD_I r1 32767; JUMP_LE r0 r1 ->3; LOAD_I r0 1; RET"},
    {"void f(i32 $a) { if ($a < 32768) { $a = 1; } }",
     "2 registers, 0 objects; LOAD_I r1 32768; JUMP_LE r1 r0 ->3; LOAD_I r0 1; RET"},
    {"void f(i32 $a) { if ($a >= -32768) { $a = 1; } }",
     "1 registers, 0 objects; JUMP_LT_N r0 -32768 ->2; LOAD_I r0 1; RET"},
    {"void f(i32 $a) { if (7 > $a) { $a = 1; } }",
     "1 registers, 0 objects; JUMP_GE_N r0 7 ->2; LOAD_I r0 1; RET"},
    {"void f(i32 $a) { if (7 <= $a) { $a = 1; } }",
     "1 registers, 0 objects; JUMP_LT_N r0 7 ->2; LOAD_I r0 1; RET"},
    {"void f(i32 $a, i32 $b) { if ($a < $b) { $a = 1; } }",
     "2 registers, 0 objects; JUMP_LE r1 r0 ->2; LOAD_I r0 1; RET"},
    {"void f(i32 $a, i32 $b) { if ($a <= $b) { $a = 1; } }",
     "2 registers, 0 objects; JUMP_LT r1 r0 ->2; LOAD_I r0 1; RET"},
    {"void f(i32 $a, i32 $b) { if ($a == $b) { $a = 1; } }",
     "2 registers, 0 objects; JUMP_NE r0 r1 ->2; LOAD_I r0 1; RET"},
    {"void f(i32 $a, i32 $b) { if ($a > $b || $a == 1) { $a = 1; } }",
     "2 registers, 0 objects; JUMP_LT r1 r0 ->2; JUMP_NE_N r0 1 ->3; LOAD_I r0 1; RET"},
    {"void f(i32 $a, i32 $b) { if (!($a > $b && $b)) { $a = 1; } }",
     "2 registers, 0 objects; JUMP_LE r0 r1 ->2; JUMP_T r1 ->3; LOAD_I r0 1; RET"},
    {"void f(u64 $a) { if ($a < 5) { $a = 1; } }",
     "3 registers, 0 objects; LOAD_I r2 5; LT_U r1 r0 r2; JUMP_F r1 ->4; LOAD_I r0 1; RET"},
    {"void f(u64 $a, u64 $b) { if ($a == $b) { $a = 1; } if ($a >= $b) { $a = 2; } }",
     "3 registers, 0 objects; JUMP_NE r0 r1 ->2; LOAD_I r0 1; LE_U r2 r1 r0; JUMP_F r2 "
     "->5; LOAD_I r0 2; RET"},
    {"void f(double $a, double $b) { if ($a < $b) { $a = 1; } if ($a >= $b) { $a = 2; } "
     "if ($a != $b) { $a = 3; } }",
     "3 registers, 0 objects; JUMP_NLT_F r0 r1 ->2; CONST_F r0 1; JUMP_NLE_F r1 r0 ->4; "
     "CONST_F r0 2; NE_F r2 r0 r1; JUMP_F r2 ->7; CONST_F r0 3; RET"},
    {"i32 f(double $a, double $b) { return $a > $b; }",
     "3 registers, 0 objects; LT_F r2 r1 r0; RET_I r2"},
    {"i32 f(double $a, double $b) { return $a <= $b && $a == $b; }",
     "4 registers, 0 objects; JUMP_NLE_F r0 r1 ->5; EQ_F r3 r0 r1; JUMP_F r3 ->5; LOAD_I "
     "r2 1; JUMP ->6; LOAD_I r2 0; RET_I r2"},
    {"i32 f(i32 $a, i32 $b) { return $a >= $b; }", "3 registers, 0 objects; LE r2 r1 r0; RET_I r2"},
    {"i32 f(u64 $a, u64 $b) { return $a > $b; }",
     "3 registers, 0 objects; LT_U r2 r1 r0; RET_I r2"},
    {"i32 f(u64 $a, u64 $b) { return $a <= $b; }",
     "3 registers, 0 objects; LE_U r2 r0 r1; RET_I r2"},
    {"void f(string $a, string $b) { if ($a < $b) { $a = \"x\"; } }",
     "1 registers, 2 objects; COMPARE r0 o0 o1; JUMP_GE_N r0 0 ->3; COPY_K o0 \"x\"; LEAVE"},
    {"i32 f(string $a) { return $a == \"x\"; }",
     "3 registers, 2 objects; COPY_K o1 \"x\"; COMPARE r1 o0 o1; CLEAR o1 1; LOAD_I r2 0; "
     "EQ r0 r1 r2; LEAVE_I r0"},
    {"void f(i32 $n) { for (i32 $i = 0; $i < $n; $i++) { } }",
     "2 registers, 0 objects; LOAD_I r1 0; JUMP_LE r0 r1 ->3; STEP_LT_W r1 r0 ->2; RET"},
    {"void f(i32 $n) { for (i32 $i = 0; $i <= 9; $i++) { } }",
     "3 registers, 0 objects; LOAD_I r1 9; LOAD_I r2 0; JUMP_GE_N r2 10 ->4; STEP_LE_W r2 "
     "r1 ->3; RET"},
    {"void f(i64 $n) { for (i64 $i = 0; $i <= $n; ++$i) { } }",
     "2 registers, 0 objects; LOAD_I r1 0; JUMP_LT r0 r1 ->3; STEP_LE r1 r0 ->2; RET"},
    {"void f(i64 $n) { for (i64 $i = 0; $i != $n; $i++) { } }",
     "2 registers, 0 objects; LOAD_I r1 0; JUMP_EQ r1 r0 ->4; ADD_N r1 r1 1; LOOP_NE r1 "
     "r0 ->2; RET"},
    {"void f(i64 $n) { for (i64 $i = 0; $i < $n; $i += 2) { } }",
     "2 registers, 0 objects; LOAD_I r1 0; JUMP_LE r0 r1 ->4; ADD_N r1 r1 2; LOOP_LT r1 "
     "r0 ->2; RET"},
    {"void f(u64 $n) { for (u64 $i = 0; $i < $n; $i++) { } }",
     "3 registers, 0 objects; LOAD_I r1 0; LT_U r2 r1 r0; JUMP_F r2 ->6; ADD_N r1 r1 1; "
     "LT_U r2 r1 r0; LOOP_T r2 ->3; RET"},
    {"void f(u8 $n) { for (u8 $i = 0; $i < $n; $i++) { } }",
     "2 registers, 0 objects; LOAD_I r1 0; JUMP_LE r0 r1 ->5; ADD_N r1 r1 1; WRAP_U8 r1 "
     "r1; LOOP_LT r1 r0 ->2; RET"},
    {"void f(i32 $n) { for (i32 $i = 0; $n > $i; $i++) { } }",
     "2 registers, 0 objects; LOAD_I r1 0; JUMP_LE r0 r1 ->4; ADD_WN r1 r1 1; LOOP_LT r1 "
     "r0 ->2; RET"},
    {"void f(i32 $n) { while ($n > 0) { $n--; } }",
     "1 registers, 0 objects; JUMP_LT_N r0 1 ->3; ADD_WN r0 r0 -1; LOOP_GE_N r0 1 ->1; "
     "RET"},
    {"void f(i32 $n) { while (1) { $n--; if ($n == 3) { break; } } }",
     "1 registers, 0 objects; ADD_WN r0 r0 -1; JUMP_NE_N r0 3 ->3; JUMP ->4; LOOP ->0; "
     "RET"},
    {"void f(i32 $n) { do { $n--; if ($n == 2) { continue; } } while ($n); }",
     "1 registers, 0 objects; ADD_WN r0 r0 -1; JUMP_NE_N r0 2 ->3; JUMP ->3; LOOP_T r0 "
     "->0; RET"},
    {"void f(i32 $n) { for (;;) { $n = $n * 100000 + 7; } }",
     "3 registers, 0 objects; LOAD_I r1 100000; MUL_W r2 r0 r1; ADD_WN r0 r2 7; LOOP ->1"},
    {"void f(double $d) { for (;;) { $d = $d * 1.5 + 2; } }",
     "4 registers, 0 objects; CONST_F r1 1.5; CONST_F r2 2; MUL_F r3 r0 r1; ADD_F r0 r3 "
     "r2; LOOP ->2"},
    {"void f(i32 $n) { while ($n < 1000000) { i64 $k = 5000000000; $n++; $k += "
     "5000000000; } }",
     "4 registers, 0 objects; LOAD_I r1 1000000; CONST_I r2 5000000000; JUMP_LE r1 r0 "
     "->7; CONST_I r3 5000000000; ADD_WN r0 r0 1; ADD r3 r3 r2; LOOP_LT r0 r1 ->3; RET"},
    {"void f(i32 $n) { switch ($n) { case 1: $n = 5; break; case 100000: $n = 6; default: "
     "$n = 7; } }",
     "3 registers, 0 objects; JUMP_EQ_N r0 1 ->5; LOAD_I r2 100000; EQ r1 r0 r2; JUMP_T "
     "r1 ->7; JUMP ->8; LOAD_I r0 5; JUMP ->9; LOAD_I r0 6; LOAD_I r0 7; RET"},
    {"void f(i64 $n) { switch ($n) { case -32768: case 32768: return; } }",
     "3 registers, 0 objects; JUMP_EQ_N r0 -32768 ->5; LOAD_I r2 32768; EQ r1 r0 r2; "
     "JUMP_T r1 ->5; JUMP ->6; RET; RET"},
    {"void f(i32 $n) { for (i32 $i = 0; $i < 3; $i++) { string $s; if ($i == 1) { "
     "continue; } blob $b; break; } }",
     "3 registers, 2 objects; LOAD_I r1 3; LOAD_I r2 0; JUMP_GE_N r2 3 ->11; DECLARE o0 "
     "0; JUMP_NE_N r2 1 ->7; CLEAR o0 1; JUMP ->10; DECLARE o1 0; CLEAR o0 2; JUMP ->11; "
     "STEP_LT_W r2 r1 ->3; LEAVE"},
    {"i32 f(i32 $a, i32 $b) { return $a ? $b : 3; }",
     "3 registers, 0 objects; JUMP_F r0 ->3; MOVE_I r2 r1; JUMP ->4; LOAD_I r2 3; RET_I "
     "r2"},
    {"i32 f(i32 $a) { i32 $b = $a++; return $b + --$a; }",
     "3 registers, 0 objects; MOVE_I r1 r0; ADD_WN r0 r0 1; MOVE_I r2 r1; ADD_WN r0 r0 "
     "-1; ADD_W r2 r2 r0; RET_I r2"},
    {"i32 f(i32 $a) { $a = $a++; return $a; }", "1 registers, 0 objects; RET_I r0"},
    {"i32 f(i32 $a) { $a += $a + ($a = 2); return $a; }",
     "3 registers, 0 objects; MOVE_I r1 r0; MOVE_I r2 r0; LOAD_I r0 2; ADD_W r2 r2 r0; "
     "ADD_W r0 r1 r2; RET_I r0"},
    {"i32 f(i32 $a) { return $a + ($a = 2); }",
     "2 registers, 0 objects; MOVE_I r1 r0; LOAD_I r0 2; ADD_W r1 r1 r0; RET_I r1"},
    {"i32 f(i32 $a, ref i32 $b) { $b = $a; $b += 2; $b++; return $b; }",
     "4 registers, 0 objects; REF_SET r0 r1; REF_GET r2 r1; ADD_WN r3 r2 2; REF_SET r3 "
     "r1; REF_GET r2 r1; ADD_WN r3 r2 1; REF_SET r3 r1; REF_GET r2 r1; RET_I r2"},
    {"double f(ref double $b) { $b += 2; return $b--; }",
     "5 registers, 0 objects; REF_GET_F r1 r0; CONST_F r3 2; ADD_F r2 r1 r3; REF_SET_F r2 "
     "r0; REF_GET_F r2 r0; CONST_F r4 1; SUB_F r3 r2 r4; REF_SET_F r3 r0; MOVE_F r1 r2; "
     "RET_F r1"},
    {"void f() { return; }", "0 registers, 0 objects; RET"},
    {"void f(i32 $n, i32 $m) { do { $n++; } while ($n < $m); }",
     "2 registers, 0 objects; STEP_LT_W r0 r1 ->0; RET"},
    {"void f(i64 $n, i64 $m) { do { $n++; } while ($n <= $m); }",
     "2 registers, 0 objects; STEP_LE r0 r1 ->0; RET"},
    {"void f(i32 $n) { do { $n++; } while ($n < $n); }",
     "1 registers, 0 objects; ADD_WN r0 r0 1; LOOP_LT r0 r0 ->0; RET"},
    {"void f(i32 $n, i32 $m) { do { $n++; } while ($m < $n); }",
     "2 registers, 0 objects; ADD_WN r0 r0 1; LOOP_LT r1 r0 ->0; RET"},
    {"void f(i32 $n, i32 $m) { do { $m++; } while ($n < $m); }",
     "2 registers, 0 objects; ADD_WN r1 r1 1; LOOP_LT r0 r1 ->0; RET"},
    {"void f(i32 $n, i32 $m) { do { $n += 2; } while ($n < $m); }",
     "2 registers, 0 objects; ADD_WN r0 r0 2; LOOP_LT r0 r1 ->0; RET"},
    {"void f(i32 $n, i32 $m) { do { $n = $m + 1; } while ($n < $m); }",
     "2 registers, 0 objects; ADD_WN r0 r1 1; LOOP_LT r0 r1 ->0; RET"},
    {"void f(i32 $n, i32 $m) { do { $n++; } while ($n != $m); }",
     "2 registers, 0 objects; ADD_WN r0 r0 1; LOOP_NE r0 r1 ->0; RET"},
    {"void f(i32 $n, i32 $m) { do { $n++; } while ($n > $m); }",
     "2 registers, 0 objects; ADD_WN r0 r0 1; LOOP_LT r1 r0 ->0; RET"},
    {"void f(i32 $n, i32 $m) { do { $n++; } while ($n < 7); }",
     "3 registers, 0 objects; LOAD_I r2 7; STEP_LT_W r0 r2 ->1; RET"},
    {"void f(i32 $n, i32 $m) { do { $n++; } while (7 > $n); }",
     "3 registers, 0 objects; LOAD_I r2 7; STEP_LT_W r0 r2 ->1; RET"},
    {"void f(i32 $n, i32 $m) { do { $n++; } while ($n < $m && $n < 100); }",
     "2 registers, 0 objects; ADD_WN r0 r0 1; JUMP_LE r1 r0 ->3; LOOP_LT_N r0 100 ->0; "
     "RET"},
    {"void f(i32 $n, i32 $m) { $n++; while ($n < $m) { } }",
     "2 registers, 0 objects; ADD_WN r0 r0 1; JUMP_LE r1 r0 ->3; LOOP_LT r0 r1 ->2; RET"},
    {"void f(i32 $n, i32 $m) { $n++; if ($n < $m) { $m = 1; } }",
     "2 registers, 0 objects; ADD_WN r0 r0 1; JUMP_LE r1 r0 ->3; LOAD_I r1 1; RET"},
    {"void f(i32 $n, i32 $m) { while ($m) { if ($n) { return; } else { $n++; } } }",
     "2 registers, 0 objects; JUMP_F r1 ->5; JUMP_F r0 ->3; RET; ADD_WN r0 r0 1; LOOP_T "
     "r1 ->1; RET"},
    {"void f(i32 $n) { if ($n) { return; } else { $n = 1; } }",
     "1 registers, 0 objects; JUMP_F r0 ->2; RET; LOAD_I r0 1; RET"},
    {"void f(i32 $n) { while (1) { if ($n) { break; } return; } }",
     "1 registers, 0 objects; JUMP_F r0 ->2; JUMP ->4; RET; LOOP ->0; RET"},
};

static const listing calls_and_objects[] = {
    {"i32 f(i32 $a) { return f($a - 1) * f(2); }",
     "4 registers, 0 objects; ADD_WN r2 r0 -1; CALL r2 f r1; LOAD_I r3 2; CALL r3 f r2; "
     "MUL_W r1 r1 r2; RET_I r1"},
    {"double f(i32 $a, double $b) { return f(1, f($a, $b)); }",
     "7 registers, 0 objects; LOAD_I r3 1; MOVE_I r5 r0; MOVE_F r6 r1; CALL r5 f r4; CALL "
     "r3 f r2; RET_F r2"},
    {"i32 f(ref i32 $a, ref double $d) { i32 $x = 1; double $y = 2; f($a, $d); f($x, $y); "
     "return f($x, $d); }",
     "7 registers, 0 objects; LOAD_I r2 1; CONST_F r3 2; REF_MOVE r5 r0; REF_MOVE r6 r1; "
     "CALL r5 f r4; REF r5 r2; REF_F r6 r3; CALL r5 f r4; REF r5 r2; REF_MOVE r6 r1; CALL "
     "r5 f r4; RET_I r4"},
    {"string f(string $a, string $b) { return f($a, \"x\"); }",
     "0 registers, 3 objects; CALL_O r0 f o2; ARG_O o0; ARG_K \"x\"; LEAVE_O o2"},
    {"string f(string $a) { return f(f($a)); }",
     "0 registers, 3 objects; CALL_O r0 f o2; ARG_O o0; CALL_O r0 f o1; ARG_MOVE o2; "
     "CLEAR o2 1; LEAVE_O o1"},
    {"void f(string $a) { string $b = $a; $b = \"x\"; $b := $a; $a = $b = \"y\"; }",
     "0 registers, 2 objects; DECLARE o1 0; COPY o1 o0; COPY_K o1 \"x\"; FILL o1 o0; COPY_K "
     "o1 \"y\"; COPY o0 o1; LEAVE"},
    {"void f(ref string $a, ref blob $b) { f($a, $b); string $s = \"v\"; blob $c[3]; f($s, "
     "$c); }",
     "0 registers, 4 objects; CALL_O r0 f; ARG_REF o0; ARG_REF o1; DECLARE o2 0; COPY_K "
     "o2 \"v\"; DECLARE o3 3; CALL_O r0 f; ARG_REF o2; ARG_REF o3; LEAVE"},
    {"i32 f(string $a, i32 $n) { return f($n > 0 ? $a : \"none\", $n); }",
     "3 registers, 2 objects; JUMP_LT_N r0 1 ->3; COPY o1 o0; JUMP ->4; COPY_K o1 "
     "\"none\"; MOVE_I r2 r0; CALL_O r2 f r1; ARG_MOVE o1; CLEAR o1 1; LEAVE_I r1"},
    {"void f(blob $b, i32 $i) { $b[$i] = $b[0]; $b[1] += 2; $b[$i++]--; i32 $v = ($b[2] = "
     "$i); }",
     "4 registers, 1 objects; LOAD_I r1 0; INDEX_GET r1 o0 r1; INDEX_SET r1 o0 r0; LOAD_I "
     "r1 1; INDEX_GET r2 o0 r1; ADD_WN r3 r2 2; INDEX_SET r3 o0 r1; MOVE_I r1 r0; ADD_WN "
     "r0 r0 1; INDEX_GET r2 o0 r1; ADD_WN r3 r2 -1; INDEX_SET r3 o0 r1; LOAD_I r2 2; "
     "INDEX_SET r0 o0 r2; WRAP_U8 r1 r0; LEAVE"},
    {"void f(blob $b) { $b assign P; $b.a = 1; $b.b = 2; $b.c++; $b.d = 4; $b.e = 5; $b.g "
     "+= 6; $b.h = (u8)$b.a; $b.i = 7; $b.j = 8; $b.k = $b.j; }",
     "5 registers, 1 objects; LOAD_I r0 1; SET_8 r0 o0 0; LOAD_I r0 2; SET_16 r0 o0 1; "
     "GET_I32 r0 o0 3; ADD_WN r1 r0 1; SET_32 r1 o0 3; LOAD_I r0 4; SET_64 r0 o0 7; "
     "CONST_F r2 5; SET_FLOAT r2 o0 15; GET_DOUBLE r2 o0 19; CONST_F r4 6; ADD_F r3 r2 "
     "r4; SET_DOUBLE r3 o0 19; GET_I8 r0 o0 0; WRAP_U8 r0 r0; SET_8 r0 o0 27; LOAD_I r0 "
     "7; SET_16 r0 o0 28; LOAD_I r0 8; SET_32 r0 o0 30; GET_U32 r0 o0 30; SET_64 r0 o0 "
     "34; LEAVE"},
    {"i32 f(blob $b) { $b assign P; return (i32)($b.a + $b.b + $b.c + $b.e + $b.g + $b.h "
     "+ $b.i + $b.j + $b.k) + $b.Length; }",
     "5 registers, 1 objects; GET_I8 r0 o0 0; GET_U16 r1 o0 1; ADD_W r0 r0 r1; GET_I32 r1 "
     "o0 3; ADD_W r0 r0 r1; I_TO_F r2 r0; GET_FLOAT r3 o0 15; ADD_F r2 r2 r3; GET_DOUBLE "
     "r3 o0 19; ADD_F r2 r2 r3; GET_U8 r4 o0 27; I_TO_F r3 r4; ADD_F r2 r2 r3; GET_I16 r4 "
     "o0 28; I_TO_F r3 r4; ADD_F r2 r2 r3; GET_U32 r4 o0 30; I_TO_F r3 r4; ADD_F r2 r2 "
     "r3; GET_I64 r4 o0 34; I_TO_F r3 r4; ADD_F r2 r2 r3; F_TO_I r0 r2 i32; LENGTH r1 o0; "
     "ADD_W r0 r0 r1; LEAVE_I r0"},
    {"void f(i32 $n) { printf(\"%d %s %g\", $n, \"x\", 1.5); }",
     "2 registers, 0 objects; CONST_F r1 1.5; CALL_VERB printf 4; ARG_K \"%d %s %g\"; ARG_I "
     "r0 i32; ARG_K \"x\"; ARG_F r1 double; RET"},
    {"i32 f(string $s) { return (i32)test.Entry($s) + (i32)test.Entry(\"Cb\"); }",
     "2 registers, 1 objects; CALL_VERB r0 test.Entry 1; ARG_NAME o0; WRAP_I32 r0 r0; "
     "CALL_VERB r1 test.Entry 1; ARG_CALLBACK Cb; WRAP_I32 r1 r1; ADD_W r0 r0 r1; LEAVE_I "
     "r0"},
    {"void f(i32 $n) { printf(\"%d %d\", $n, $n++); }",
     "3 registers, 0 objects; MOVE_I r1 r0; MOVE_I r2 r0; ADD_WN r0 r0 1; CALL_VERB "
     "printf 3; ARG_K \"%d %d\"; ARG_I r1 i32; ARG_I r2 i32; RET"},
    {"string f(string $s) { return test.Same(test.Same($s)); }",
     "0 registers, 3 objects; CALL_VERB o2 test.Same 1; ARG_O o0; CALL_VERB o1 test.Same "
     "1; ARG_O o2; CLEAR o2 1; LEAVE_O o1"},
    {"void f(string $s) { test.Same($s); f(test.Same(\"a\")); }",
     "0 registers, 2 objects; CALL_VERB o1 test.Same 1; ARG_O o0; CLEAR o1 1; CALL_VERB "
     "o1 test.Same 1; ARG_K \"a\"; CALL_O r0 f; ARG_MOVE o1; CLEAR o1 1; LEAVE"},
    {"i32 f(string $s) { return string.Overflow($s) + string.Capacity($s) + $s.Length + "
     "$s[0]; }",
     "2 registers, 1 objects; OVERFLOW r0 o0; CAPACITY r1 o0; ADD_W r0 r0 r1; LENGTH r1 "
     "o0; ADD_W r0 r0 r1; LOAD_I r1 0; INDEX_GET r1 o0 r1; ADD_W r0 r0 r1; LEAVE_I r0"},
    {"void f(i32 $n) { ref blob &S = blob.RefFromPointer(0, 0); S[0] = $n; blob $c = S; }",
     "3 registers, 2 objects; DECLARE_ALIAS o0; LOAD_I r1 0; LOAD_I r2 0; CALL_VERB o0 "
     "blob.RefFromPointer 2; ARG_I r1 i64; ARG_I r2 i64; LOAD_I r1 0; INDEX_SET r0 o0 r1; "
     "DECLARE o1 0; COPY o1 o0; LEAVE"},
    {"void f(i32 $n) { string $s[20]; { blob $b[3]; } string $t = $n ? \"a\" : \"b\"; }",
     "1 registers, 3 objects; DECLARE o0 20; DECLARE o1 3; CLEAR o1 1; DECLARE o2 0; "
     "JUMP_F r0 ->7; COPY_K o2 \"a\"; JUMP ->8; COPY_K o2 \"b\"; LEAVE"},
    {"string f(string $s, i32 $n) { if ($n) { return \"x\"; } string $t = $s; return $t; }",
     "1 registers, 2 objects; JUMP_F r0 ->3; COPY_K o1 \"x\"; LEAVE_O o1; DECLARE o1 0; "
     "COPY o1 o0; LEAVE_O o1"},
    {"void f(string $s) { string $t = f2($s, ($s = \"y\")); } string f2(string $a, string "
     "$b) { return $a; }",
     "0 registers, 3 objects; DECLARE o1 0; COPY o2 o0; COPY_K o0 \"y\"; CALL_O r0 f2 o1; "
     "ARG_MOVE o2; ARG_O o0; CLEAR o2 1; LEAVE"},
    {"i32 f(string $s) { return ($s = \"x\") == $s; }",
     "3 registers, 1 objects; COPY_K o0 \"x\"; COMPARE r1 o0 o0; LOAD_I r2 0; EQ r0 r1 r2; "
     "LEAVE_I r0"},
    {"i32 f(i32 $n) { string $s; return $n; }", "1 registers, 1 objects; DECLARE o0 0; LEAVE_I r0"},
    {"double f(double $n) { string $s; return $n; }",
     "1 registers, 1 objects; DECLARE o0 0; LEAVE_F r0"},
    {"void f(double $d, i32 $i) { double $x = $i; float $y = (float)$d; i64 $k = (i64)$d; "
     "u8 $z = (u8)$y; $x = $y; }",
     "6 registers, 0 objects; I_TO_F r2 r1; ROUND_F r3 r0; F_TO_I r4 r0 i64; F_TO_I r5 r3 "
     "u8; MOVE_F r2 r3; RET"},
    {"i32 f(double $d) { i32 $a = 1; { double $b = 2; } { i32 $c = 3; double $e = 4; i32 "
     "$g = 5; } return $a; }",
     "6 registers, 0 objects; LOAD_I r1 1; CONST_F r2 2; LOAD_I r3 3; CONST_F r4 4; "
     "LOAD_I r5 5; RET_I r1"},
    {"i64 f(i32 $n) { i64 $s = 0; for (i32 $i = 0; $i < $n; $i++) { $s += $i * 70000; } "
     "return $s; }",
     "5 registers, 0 objects; LOAD_I r1 70000; LOAD_I r2 0; LOAD_I r3 0; JUMP_LE r0 r3 "
     "->7; MUL_W r4 r3 r1; ADD r2 r2 r4; STEP_LT_W r3 r0 ->4; RET_I r2"},
    {"i32 f(i32 $a, i32 $b) { return !$a + !($a < $b) + ($a && $b) + ($a || $b); }",
     "4 registers, 0 objects; NOT r2 r0; LT r3 r0 r1; NOT r3 r3; ADD_W r2 r2 r3; JUMP_F "
     "r0 ->8; JUMP_F r1 ->8; LOAD_I r3 1; JUMP ->9; LOAD_I r3 0; ADD_W r2 r2 r3; JUMP_T "
     "r0 ->12; JUMP_F r1 ->14; LOAD_I r3 1; JUMP ->15; LOAD_I r3 0; ADD_W r2 r2 r3; RET_I "
     "r2"},
    {"i32 f(i32 $a) { i32 $b; $b = $a = 3; $a = $b = $a; return ($a += 2) + ($b -= 1); }",
     "3 registers, 0 objects; LOAD_I r0 3; MOVE_I r1 r0; MOVE_I r1 r0; MOVE_I r0 r1; "
     "ADD_WN r0 r0 2; MOVE_I r2 r0; ADD_WN r1 r1 -1; ADD_W r2 r2 r1; RET_I r2"},
    {"i64 f(i64 $a) { return $a & 65535; }",
     "3 registers, 0 objects; LOAD_I r2 65535; AND r1 r0 r2; RET_I r1"},
    {"i64 f() { return 9223372036854775807; }",
     "1 registers, 0 objects; CONST_I r0 9223372036854775807; RET_I r0"},
    {"i64 f() { return -2147483648; }", "1 registers, 0 objects; LOAD_I r0 -2147483648; RET_I r0"},
    {"i64 f() { return 2147483648; }", "1 registers, 0 objects; CONST_I r0 2147483648; RET_I r0"},
    {"i64 f() { return -2147483649; }", "1 registers, 0 objects; CONST_I r0 -2147483649; RET_I r0"},
    {"double f() { return 0.0; }", "1 registers, 0 objects; CONST_F r0 0; RET_F r0"},
    {"void f(i32 $a) { if (1) { $a = 1; } if (0) { $a = 2; } while (0) { $a = 3; } }",
     "1 registers, 0 objects; LOAD_I r0 1; JUMP ->3; LOAD_I r0 2; JUMP ->5; LOAD_I r0 3; "
     "RET"},
};

/* The part of the disassembly that is f's, on one line and without places. */
static void list_first(const cb_program *program, script_text *code)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    cb_program_disassemble(program, out);
    CU_ASSERT_EQUAL(fclose(out), 0);
    char *rest;
    char *line = strtok_r(text, "\n", &rest);
    script_add(code, "%s", line + strlen("f: "));
    while ((line = strtok_r(NULL, "\n", &rest)) != NULL && line[0] == ' ') {
        char name[32];
        int end = 0;
        CU_ASSERT_EQUAL_FATAL(sscanf(line, "%*u %*u %31s %n", name, &end), 1);
        script_add(code, "; %s%s%s", name, line[end] != '\0' ? " " : "", line + end);
    }
    free(text);
}

static void check(const listing *rows, size_t count)
{
    static script_run run;
    for (size_t i = 0; i < count; i++) {
        script_text script = {0};
        script_text code = {0};
        script_add(&script, "%s%s%s",
                   "struct P packet { i8 a; u16 b; i32 c; u64 d; float e; "
                   "double g; u8 h; i16 i; u32 j; i64 k; }\n",
                   rows[i].function,
                   "\ncallback i32 Cb(ref blob $X) { return 1; } void main() { }");
        cb_program *program = script_compile(&run, script.bytes);
        CU_ASSERT_PTR_NOT_NULL_FATAL(program);
        list_first(program, &code);
        bool same = strcmp(code.bytes, rows[i].code) == 0;
        CU_ASSERT_TRUE(same);
        if (!same)
            printf("\n%s\n  wants %s\n  gives %s\n", rows[i].function, rows[i].code, code.bytes);
        cb_program_release(program);
        script_clear(&script);
        script_clear(&code);
    }
}

#define CHECK(rows) check(rows, sizeof rows / sizeof rows[0])

static void code_of_numbers(void)
{
    CHECK(numbers);
}

static void code_of_conditions(void)
{
    CHECK(conditions);
}

static void code_of_calls_and_objects(void)
{
    CHECK(calls_and_objects);
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    CU_pSuite suite = CU_add_suite("listings", NULL, NULL);
    CU_ADD_TEST(suite, code_of_numbers);
    CU_ADD_TEST(suite, code_of_conditions);
    CU_ADD_TEST(suite, code_of_calls_and_objects);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    unsigned run = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failures == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
