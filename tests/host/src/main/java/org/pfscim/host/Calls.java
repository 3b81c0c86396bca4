package org.pfscim.host;

/** What a host serves: the calls of the protocol behind their names. */
interface Calls {
    /** What that call does, or null where there is no such call. */
    Call.Work work(String call);

    /** Whether that call is about a user or a group, so that others may be under way. */
    boolean isOperation(String call);

    /** Ends the session if one is open. */
    void end() throws Exception;
}
