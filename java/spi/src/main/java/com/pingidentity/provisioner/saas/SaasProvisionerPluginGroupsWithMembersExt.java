package com.pingidentity.provisioner.saas;

import com.pingidentity.provisioner.identity.SaasGroup;

/**
 * What the engine asks of a connector that provisions groups.
 *
 * <p>{@link #isUsingDnAsGroupName()} stands here only: the class that connectors extend does not repeat it, and one that
 * forgets it fails at run time.
 */
public interface SaasProvisionerPluginGroupsWithMembersExt {
    boolean isConfiguredForGroups();

    boolean isUsingDnAsGroupName();

    boolean doesGroupExist(SaasGroup group) throws SaasException;

    String createGroup(SaasGroup group) throws SaasException;

    String updateGroup(SaasGroup group, boolean mergeMembership) throws SaasException;

    void deleteGroup(SaasGroup group) throws SaasException;
}
