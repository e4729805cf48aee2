#!/usr/bin/env python3
"""Files through the scripts' event loop, on both of the loop's back ends."""

import os
import socket
import unittest

from support.nbio import HEAD, NbioTest

ONE_FILE = (
    HEAD
    + r"""
struct About packet {
    i64 Op; i32 Kind; i32 Error; i64 Value; i64 Handle;
    i32 Type; u32 Permissions; i64 Size; i64 ModifiedNs;
}

callback i32 OnClosed(ref blob $X)
{
    $X assign Event;
    printf("closed %d\n", $X.Error);
    return(1);
}

callback i32 OnStat(ref blob $X)
{
    $X assign About;
    printf("%d %d %d %d %d\n", $X.Kind == nbio.KindStat(), $X.Size, $X.Value, $X.Type == nbio.FileTypeRegular(),
           $X.Permissions == nbio.PermitReadUser() + nbio.PermitWriteUser());
    printf("%d\n", $X.ModifiedNs > 1700000000000000000);
    nbio.Close($X.Handle, "OnClosed");
    return(1);
}

callback i32 OnEnd(ref blob $X)
{
    $X assign Event;
    printf("%d %s\n", $X.Value, nbio.ErrorText($X.Error));
    nbio.Stat($X.Handle, "OnStat");
    return(1);
}

callback i32 OnRead(ref blob $X)
{
    $X assign Event;
    printf("%d %d [%s]\n", $X.Kind == nbio.KindRead(), $X.Value, blob.ToText(nbio.EventBytes($X)));
    nbio.Read($X.Handle, 11, 100, "OnEnd");
    return(1);
}

callback i32 OnWritten(ref blob $X)
{
    $X assign Event;
    printf("%d %d\n", $X.Kind == nbio.KindWrite(), $X.Value);
    nbio.Read($X.Handle, 6, 100, "OnRead", 10000);
    return(1);
}

callback i32 OnOpen(ref blob $X)
{
    $X assign Event;
    printf("%d %d\n", $X.Kind == nbio.KindOpen(), $X.Error);
    nbio.Write($X.Handle, 0, blob.FromText("hello world"), "OnWritten", 10000);
    return(1);
}

i32 main()
{
    nbio.Open("new.txt", nbio.ModeRead() | nbio.ModeWrite() | nbio.ModeCreate() | nbio.ModeTruncate(),
              "OnOpen", nbio.PermitReadUser() | nbio.PermitWriteUser());
    printf("%d\n", nbio.Run(20000));
    return(0);
}
"""
)
ONE_FILE_SAYS = """1 0
1 11
1 5 [world]
0 end of file
1 11 11 1 1
1
closed 0
1
"""

SEND_FILE = (
    HEAD
    + r"""
callback i32 OnAll(ref blob $X)
{
    $X assign Event;
    printf("%d [%s]\n", $X.Value, blob.ToText(nbio.EventBytes($X)));
    return(1);
}

callback i32 OnClient(ref blob $X)
{
    $X assign Event;
    nbio.RecvAll($X.Handle, 24, "OnAll");
    return(1);
}

callback i32 OnSent(ref blob $X)
{
    $X assign Event;
    printf("%d %d %s\n", $X.Kind == nbio.KindSendFile(), $X.Value, nbio.ErrorText($X.Error));
    return(1);
}

callback i32 OnDialled(ref blob $X)
{
    $X assign Event;
    nbio.SendFile($X.Handle, 1, 2, 4, "OnSent");
    nbio.SendFile($X.Handle, 1, 0, nbio.SendEntireFile(), "OnSent", 10000);
    nbio.SendFile($X.Handle, 1, 0, 100, "OnSent");
    return(1);
}

callback i32 OnWritten(ref blob $X)
{
    return(1);
}

callback i32 OnOpen(ref blob $X)
{
    $X assign Event;
    nbio.Write($X.Handle, 0, blob.FromText("0123456789"), "OnWritten");
    return(1);
}

i32 main()
{
    nbio.Open("new.txt", nbio.ModeRead() | nbio.ModeWrite() | nbio.ModeCreate() | nbio.ModeTruncate(), "OnOpen");
    nbio.Run(-1);
    i64 $l = nbio.Listen("127.0.0.1", 0);
    nbio.Dial("127.0.0.1", nbio.BoundPort($l), "OnDialled");
    nbio.Run(-1);
    nbio.Accept($l, "OnClient");
    return(nbio.Run(-1) - 1);
}
"""
)
SEND_FILE_SAYS = """1 4 ok
1 10 ok
1 10 end of file
24 [234501234567890123456789]
"""

# Copies big.bin to copy.bin, a block at a time; files 1 and 2 by the order of their opening.
COPY = (
    HEAD
    + r"""
callback i32 OnWritten(ref blob $X)
{
    $X assign Event;
    blob $b = nbio.EventBytes($X);
    nbio.StatPath("copy.bin", "OnSize");
    return(1);
}

callback i32 OnSize(ref blob $X)
{
    $X assign Event;
    nbio.Read(1, $X.Value, 65536, "OnRead");
    return(1);
}

callback i32 OnRead(ref blob $X)
{
    $X assign Event;
    if ($X.Error == nbio.ErrorEndOfFile()) {
        nbio.Close(1);
        nbio.Close(2);
        return(1);
    }
    nbio.Write(2, 0, nbio.EventBytes($X), "OnWritten"); // the mode says: at the end
    return(1);
}

callback i32 OnBoth(ref blob $X)
{
    $X assign Event;
    nbio.Read(1, 0, 65536, "OnRead");
    return(1);
}

callback i32 OnFirst(ref blob $X)
{
    nbio.Open("copy.bin", nbio.ModeWrite() | nbio.ModeCreate() | nbio.ModeAppend(), "OnBoth");
    return(1);
}

i32 main()
{
    nbio.Open("big.bin", nbio.ModeRead(), "OnFirst");
    printf("%d\n", nbio.Run(60000));
    return(0);
}
"""
)

# Sends big.bin to whoever connects, and closes.
SERVE_FILE = (
    HEAD
    + r"""
callback i32 OnSent(ref blob $X)
{
    $X assign Event;
    printf("%d %s\n", $X.Value, nbio.ErrorText($X.Error));
    nbio.Close($X.Handle);
    return(1);
}

callback i32 OnClient(ref blob $X)
{
    $X assign Event;
    nbio.SendFile($X.Handle, 1, 0, nbio.SendEntireFile(), "OnSent", 60000);
    return(1);
}

callback i32 OnOpen(ref blob $X)
{
    i64 $l = nbio.Listen("127.0.0.1", 0);
    printf("port %d\n", nbio.BoundPort($l));
    nbio.Accept($l, "OnClient");
    return(1);
}

i32 main()
{
    nbio.Open("big.bin", nbio.ModeRead(), "OnOpen");
    nbio.Run(60000);
    return(0);
}
"""
)


class Files(NbioTest):
    def make_big(self, size):
        data = os.urandom(size)
        with open(os.path.join(self.folder, "big.bin"), "wb") as file:
            file.write(data)
        return data

    def test_one_file(self):
        for name in self.each_loop():
            with self.subTest(name):
                self.check(self.run_script(ONE_FILE), 0, ONE_FILE_SAYS, "")

    def test_parts_of_a_file(self):
        for name in self.each_loop():
            with self.subTest(name):
                self.check(self.run_script(SEND_FILE), 0, SEND_FILE_SAYS, "")

    def test_copy(self):
        data = self.make_big(5 * 65536 + 17)
        copy = os.path.join(self.folder, "copy.bin")
        for name in self.each_loop():
            with self.subTest(name):
                self.check(self.run_script(COPY), 0, "1\n", "")
                with open(copy, "rb") as file:
                    self.assertEqual(file.read(), data)
                os.remove(copy)

    def test_send_a_file_to_a_client(self):
        data = self.make_big(3 * 1024 * 1024 + 1)
        for name in self.each_loop():
            with self.subTest(name):
                process, port = self.serve(SERVE_FILE)
                with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
                    self.assertEqual(self.read_all(client), data)
                out, err = process.communicate(timeout=60)
                self.assertEqual((out, err), (f"{len(data)} ok\n", ""))
                self.assertEqual(process.returncode, 0)


if __name__ == "__main__":
    unittest.main()
