package com.pingidentity.provisioner.saas;

import com.pingidentity.provisioner.identity.SaasGroup;

/**
 * The methods of a connector that the engine calls for groups.
 *
 * <p>Only this interface declares {@link #isUsingDnAsGroupName()}; the base class of connectors does not. A connector without
 * it fails at run time.
 */
public interface SaasProvisionerPluginGroupsWithMembersExt {
    boolean isConfiguredForGroups();

    boolean isUsingDnAsGroupName();

    boolean doesGroupExist(SaasGroup group) throws SaasException;

    String createGroup(SaasGroup group) throws SaasException;

    String updateGroup(SaasGroup group, boolean mergeMembership) throws SaasException;

    void deleteGroup(SaasGroup group) throws SaasException;
}
