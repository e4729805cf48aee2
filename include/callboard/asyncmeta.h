/* The vocabulary that all families of routes and jobs share: phases, states, capability bits, and
 * the keys of RouteMeta and JobMeta. The plugin `asyncmeta` gives it to scripts. Plugins that have
 * routes use it in their answers. Scripts may rely on the numbers: never change one.
 */
#ifndef CALLBOARD_ASYNCMETA_H
#define CALLBOARD_ASYNCMETA_H

#ifdef __cplusplus
extern "C" {
#endif

/* X(Name, value, meaning): asyncmeta.<Name>() in a script, CB_META_<Name> in C. */
#define CB_ASYNCMETA(X)                                                                            \
    X(PhaseQueued, 0, "phase of a job that has not begun")                                         \
    X(PhaseRunning, 1, "phase of a job on its way")                                                \
    X(PhaseCompleted, 2, "phase of a job that has ended, well or badly")                           \
    X(StatusPending, -1, "status of a job before it ends; 0 is success")                           \
    X(CapabilityWaitComplete, 1, "bit: one can wait for a job's end")                              \
    X(CapabilityWaitDrained, 2, "bit: one can wait until a route has nothing to do")               \
    X(CapabilityJobMeta, 4, "bit: JobMeta answers")                                                \
    X(CapabilityRouteMeta, 8, "bit: RouteMeta answers")                                            \
    X(CapabilityPhaseText, 16, "bit: the phase as text")                                           \
    X(CapabilityStatusText, 32, "bit: the status as text")                                         \
    X(CapabilityJobInfo, 64, "bit: JobInfo answers")                                               \
    X(CapabilityRouteInfo, 128, "bit: RouteInfo answers")                                          \
    X(CapabilityRouteClose, 256, "bit: routes can be closed one by one")                           \
    X(CapabilityBlobTake, 512, "bit: results can be taken as blobs")                               \
    X(CapabilityBlobResultMeta, 1024, "bit: a result's presence and size can be asked")            \
    X(CapabilityKnown, 2048, "bit: whether an id is known can be asked")                           \
    X(ProfileJobInspect, 2165, "bits that inspecting a job takes")                                 \
    X(ProfileBlobJob, 3701, "bits that a job with a blob result takes")                            \
    X(ProfileRouteControl, 2442, "bits that watching and closing a route takes")                   \
    X(ProfileRouteService, 4095, "every bit")                                                      \
    X(RouteStateClosed, 0, "state of a route that is closed or closing")                           \
    X(RouteStateOpen, 1, "state of a route that accepts")                                          \
    X(JobMetaPhase, 1, "JobMeta key: its phase")                                                   \
    X(JobMetaStatus, 2, "JobMeta key: its status")                                                 \
    X(JobMetaRoute, 3, "JobMeta key: the route it was sent to")                                    \
    X(JobMetaTimeout, 4, "JobMeta key: its time limit in ms, or -1")                               \
    X(JobMetaKnown, 5, "JobMeta key: 1 if the id is known")                                        \
    X(JobMetaHasBlobResult, 6, "JobMeta key: 1 if a result can be taken")                          \
    X(JobMetaBlobResultSize, 7, "JobMeta key: the result's size in bytes")                         \
    X(RouteMetaState, 1, "RouteMeta key: its state")                                               \
    X(RouteMetaTimeout, 2, "RouteMeta key: its callback's time limit in ms, or -1")                \
    X(RouteMetaPending, 3, "RouteMeta key: requests still being read")                             \
    X(RouteMetaQueued, 4, "RouteMeta key: requests that wait for an actor")                        \
    X(RouteMetaRunning, 5, "RouteMeta key: requests in their callback")                            \
    X(RouteMetaDrained, 6, "RouteMeta key: 1 if there is nothing to do")                           \
    X(RouteMetaKnown, 7, "RouteMeta key: 1 if the id is an open route's")                          \
    X(RouteMetaCloseAccepted, 8, "RouteMeta key: 1 once a close was accepted")                     \
    X(RouteMetaClosedQueued, 9, "RouteMeta key: requests that the close canceled")

enum {
#define CB_META_ENUM(name, value, text) CB_META_##name = (value),
    CB_ASYNCMETA(CB_META_ENUM)
#undef CB_META_ENUM
};

#ifdef __cplusplus
}
#endif
#endif
