package org.pfscim.host;

/** Provides the handlers for the calls of the protocol. */
interface Service {
    /** Returns the handler of a call, or null if the call is unknown. */
    Request.Handler handler(String call);

    /** Returns whether a call concerns a user or a group. Such calls may run in parallel. */
    boolean isOperation(String call);

    /** Closes the session if it is open. */
    void closeSession() throws Exception;
}
