/* The constants of nbio for scripts: X(Name, value, meaning). Errors have a separate list, because
 * their texts are in callboard/io_error.h.
 */
#ifndef CALLBOARD_PLUGINS_NBIO_CONSTANTS_H
#define CALLBOARD_PLUGINS_NBIO_CONSTANTS_H

/* Errors: X(Name, name in CB_IO_ERRORS). */
#define CB_NBIO_ERRORS(X)                                                                          \
    X(ErrorOk, OK)                                                                                 \
    X(ErrorNoLoop, NO_LOOP)                                                                        \
    X(ErrorLoopEnded, LOOP_ENDED)                                                                  \
    X(ErrorNoMemory, NO_MEMORY)                                                                    \
    X(ErrorUnsupported, UNSUPPORTED)                                                               \
    X(ErrorCanceled, CANCELED)                                                                     \
    X(ErrorTimeout, TIMEOUT)                                                                       \
    X(ErrorInvalid, INVALID)                                                                       \
    X(ErrorBadSocket, BAD_SOCKET)                                                                  \
    X(ErrorAccess, ACCESS)                                                                         \
    X(ErrorResources, RESOURCES)                                                                   \
    X(ErrorInterrupted, INTERRUPTED)                                                               \
    X(ErrorUnknown, UNKNOWN)                                                                       \
    X(ErrorPortRequired, PORT_REQUIRED)                                                            \
    X(ErrorEndpointRequired, ENDPOINT_REQUIRED)                                                    \
    X(ErrorFamily, FAMILY)                                                                         \
    X(ErrorNotConnected, NOT_CONNECTED)                                                            \
    X(ErrorNotListening, NOT_LISTENING)                                                            \
    X(ErrorAlreadyConnected, ALREADY_CONNECTED)                                                    \
    X(ErrorRefused, REFUSED)                                                                       \
    X(ErrorReset, RESET)                                                                           \
    X(ErrorClosed, CLOSED)                                                                         \
    X(ErrorAborted, ABORTED)                                                                       \
    X(ErrorHostUnreachable, HOST_UNREACHABLE)                                                      \
    X(ErrorNetworkUnreachable, NETWORK_UNREACHABLE)                                                \
    X(ErrorAddressInUse, ADDRESS_IN_USE)                                                           \
    X(ErrorAddressUnavailable, ADDRESS_UNAVAILABLE)                                                \
    X(ErrorTruncated, TRUNCATED)                                                                   \
    X(ErrorMessageSize, MESSAGE_SIZE)                                                              \
    X(ErrorEndOfFile, END_OF_FILE)                                                                 \
    X(ErrorNotFound, NOT_FOUND)                                                                    \
    X(ErrorExists, EXISTS)                                                                         \
    X(ErrorIsDirectory, IS_DIRECTORY)                                                              \
    X(ErrorNotDirectory, NOT_DIRECTORY)                                                            \
    X(ErrorNoSpace, NO_SPACE)                                                                      \
    X(ErrorReadOnly, READ_ONLY)                                                                    \
    X(ErrorTooLarge, TOO_LARGE)                                                                    \
    X(ErrorNameTooLong, NAME_TOO_LONG)                                                             \
    X(ErrorLinkLoop, LINK_LOOP)                                                                    \
    X(ErrorBusy, BUSY)

#define CB_NBIO_CONST_KINDS(X)                                                                     \
    X(KindAccept, CB_NBIO_ACCEPT, "event kind: a connection was accepted")                         \
    X(KindDial, CB_NBIO_DIAL, "event kind: a connection was made")                                 \
    X(KindRecv, CB_NBIO_RECV, "event kind: bytes of a stream")                                     \
    X(KindRecvFrom, CB_LOOP_KIND_RECV_FROM, "event kind: a datagram")                              \
    X(KindSend, CB_NBIO_SEND, "event kind: bytes were sent")                                       \
    X(KindRead, CB_NBIO_READ, "event kind: bytes of a file")                                       \
    X(KindWrite, CB_NBIO_WRITE, "event kind: bytes were written")                                  \
    X(KindSendFile, CB_NBIO_SENDFILE, "event kind: a part of a file was sent")                     \
    X(KindOpen, CB_NBIO_OPEN, "event kind: a file was opened")                                     \
    X(KindStat, CB_NBIO_STAT, "event kind: what a file is")                                        \
    X(KindPoll, CB_NBIO_POLL, "event kind: a socket is ready")                                     \
    X(KindTimeout, CB_NBIO_TIMEOUT, "event kind: the time has passed")                             \
    X(KindNextTick, CB_NBIO_NEXT_TICK, "event kind: the next turn")                                \
    X(KindClose, CB_NBIO_CLOSE, "event kind: a socket or file was closed")                         \
    X(KindReadFile, CB_LOOP_KIND_READ_FILE, "event kind: a whole file")

#define CB_NBIO_CONST_MODES(X)                                                                     \
    X(ModeRead, CB_FILE_READ, "open mode: for reading")                                            \
    X(ModeWrite, CB_FILE_WRITE, "open mode: for writing")                                          \
    X(ModeAppend, CB_FILE_APPEND, "open mode: writes go to the end")                               \
    X(ModeCreate, CB_FILE_CREATE, "open mode: made if it is not there")                            \
    X(ModeExclusive, CB_FILE_EXCLUSIVE, "open mode: with ModeCreate: must not be there")           \
    X(ModeTruncate, CB_FILE_TRUNCATE, "open mode: emptied")                                        \
    X(ModeSync, CB_FILE_SYNC, "open mode: a write is done when it is on the device")               \
    X(ModeNonBlocking, CB_FILE_NON_BLOCKING, "open mode: opening does not wait")                   \
    X(ModeDirectory, CB_FILE_DIRECTORY, "open mode: must be a directory")

#define CB_NBIO_CONST_PERMISSIONS(X)                                                               \
    X(PermitReadUser, CB_PERMIT_READ_USER, "permission: read, for the owner")                      \
    X(PermitWriteUser, CB_PERMIT_WRITE_USER, "permission: write, for the owner")                   \
    X(PermitExecuteUser, CB_PERMIT_EXECUTE_USER, "permission: execute, for the owner")             \
    X(PermitReadGroup, CB_PERMIT_READ_GROUP, "permission: read, for the group")                    \
    X(PermitWriteGroup, CB_PERMIT_WRITE_GROUP, "permission: write, for the group")                 \
    X(PermitExecuteGroup, CB_PERMIT_EXECUTE_GROUP, "permission: execute, for the group")           \
    X(PermitReadOther, CB_PERMIT_READ_OTHER, "permission: read, for others")                       \
    X(PermitWriteOther, CB_PERMIT_WRITE_OTHER, "permission: write, for others")                    \
    X(PermitExecuteOther, CB_PERMIT_EXECUTE_OTHER, "permission: execute, for others")              \
    X(PermitReadAll, CB_PERMIT_READ_ALL, "permissions: read, for all")                             \
    X(PermitWriteAll, CB_PERMIT_WRITE_ALL, "permissions: write, for all")                          \
    X(PermitExecuteAll, CB_PERMIT_EXECUTE_ALL, "permissions: execute, for all")                    \
    X(PermitReadWriteAll, CB_PERMIT_READ_WRITE_ALL, "permissions: read and write, for all")        \
    X(PermitAll, CB_PERMIT_ALL, "permissions: everything, for all")                                \
    X(PermitDefaultFile, CB_PERMIT_DEFAULT_FILE, "permissions: what files are made with")          \
    X(PermitDefaultDirectory, CB_PERMIT_DEFAULT_DIRECTORY,                                         \
      "permissions: what directories are made with")

#define CB_NBIO_CONST_TYPES(X)                                                                     \
    X(FileTypeUnknown, CB_FILE_TYPE_UNKNOWN, "file type: none of those below")                     \
    X(FileTypeRegular, CB_FILE_TYPE_REGULAR, "file type: a plain file")                            \
    X(FileTypeDirectory, CB_FILE_TYPE_DIRECTORY, "file type: a directory")                         \
    X(FileTypeSymlink, CB_FILE_TYPE_SYMLINK, "file type: a symbolic link")                         \
    X(FileTypePipe, CB_FILE_TYPE_PIPE, "file type: a pipe")                                        \
    X(FileTypeSocket, CB_FILE_TYPE_SOCKET, "file type: a socket")                                  \
    X(FileTypeCharacterDevice, CB_FILE_TYPE_CHARACTER_DEVICE, "file type: a character device")     \
    X(FileTypeBlockDevice, CB_FILE_TYPE_BLOCK_DEVICE, "file type: a block device")

#define CB_NBIO_CONST_POLLS(X)                                                                     \
    X(PollReadable, CB_POLL_READABLE, "poll: something can be received or accepted")               \
    X(PollWritable, CB_POLL_WRITABLE, "poll: something can be sent")                               \
    X(PollError, CB_POLL_ERROR, "poll: something went wrong")

#define CB_NBIO_CONST_SIZES(X)                                                                     \
    X(SendEntireFile, CB_SEND_ENTIRE_FILE, "size of a SendFile: all from the offset to the end")   \
    X(NoTimeout, -1, "time limit: none")

#define CB_NBIO_CONSTANTS(X)                                                                       \
    CB_NBIO_CONST_KINDS(X)                                                                         \
    CB_NBIO_CONST_MODES(X)                                                                         \
    CB_NBIO_CONST_PERMISSIONS(X)                                                                   \
    CB_NBIO_CONST_TYPES(X) CB_NBIO_CONST_POLLS(X) CB_NBIO_CONST_SIZES(X)

#endif
